package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"daybreak/lab/standins/internal/mesh"
)

// unused is how long a target may go unused until its stream is given up.
const unused = 10 * time.Minute

// resolver keeps a stream from the destination service for every target that the pod talks to.
type resolver struct {
	client  *http.Client
	peer    Peer
	reached chan struct{}

	mutex   sync.Mutex
	targets map[netip.AddrPort]*resolved
}

// resolved is what the service last said about a target.
type resolved struct {
	known chan struct{}
	once  sync.Once
	value atomic.Pointer[mesh.Resolution]
	turn  atomic.Uint64
	used  atomic.Int64
}

func newResolver(peer Peer, own *certificate) *resolver {
	return &resolver{
		client: controller(peer, own.client(peer.Name)), peer: peer,
		reached: make(chan struct{}), targets: map[netip.AddrPort]*resolved{},
	}
}

// knock tries to reach the destination service until it answers once; then reached is closed.
func (r *resolver) knock(ctx context.Context) error {
	for ctx.Err() == nil {
		err := ask(ctx, r.client, "http://destination/health", 10*time.Second, func(*json.Decoder) error { return nil })
		if err == nil {
			close(r.reached)
			return nil
		}
		where := "dst:controller{addr=" + trimDot(r.peer.Address) + "}: linkerd_app_core::control"
		if unresolved(err) {
			warn(where, "Failed to resolve control-plane component error=%s", cause(err))
		} else {
			warn(where, "Failed to connect error=%s", failFast(err))
		}
		pause(ctx, time.Second)
	}
	return ctx.Err()
}

// ask reads one answer of a control-plane service; limit 0 is for streams.
func ask(ctx context.Context, client *http.Client, url string, limit time.Duration, read func(*json.Decoder) error) error {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", request.URL.Host, response.Status)
	}
	return read(json.NewDecoder(response.Body))
}

// resolve tells what is known about a target, waiting for the first answer until ctx ends.
func (r *resolver) resolve(ctx context.Context, address netip.AddrPort) (*resolved, *mesh.Resolution, error) {
	r.mutex.Lock()
	entry, ok := r.targets[address]
	if !ok {
		entry = &resolved{known: make(chan struct{})}
		r.targets[address] = entry
		go r.follow(address, entry)
	}
	entry.used.Store(time.Now().UnixNano())
	r.mutex.Unlock()
	select {
	case <-entry.known:
		return entry, entry.value.Load(), nil
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("the destination service said nothing about %s: %w", address, ctx.Err())
	}
}

// follow reads the target's stream, again after each break, until nobody has asked for a while.
func (r *resolver) follow(address netip.AddrPort, entry *resolved) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go r.expire(ctx, cancel, address, entry)
	for ctx.Err() == nil {
		err := ask(ctx, r.client, "http://destination/resolve?address="+address.String(), 0, func(decoder *json.Decoder) error {
			for {
				next := new(mesh.Resolution)
				if err := decoder.Decode(next); err != nil {
					return err
				}
				entry.value.Store(next)
				entry.once.Do(func() { close(entry.known) })
			}
		})
		if ctx.Err() == nil && entry.value.Load() == nil {
			warn("outbound: linkerd_app_outbound::discover", "Failed to discover %s error=%s", address, failFast(err))
		}
		pause(ctx, 500*time.Millisecond)
	}
}

func (r *resolver) expire(ctx context.Context, cancel context.CancelFunc, address netip.AddrPort, entry *resolved) {
	for ctx.Err() == nil {
		pause(ctx, time.Minute)
		r.mutex.Lock()
		if time.Since(time.Unix(0, entry.used.Load())) > unused {
			delete(r.targets, address)
			cancel()
		}
		r.mutex.Unlock()
	}
}

// pick takes the endpoints in turn; without a service it is the target itself.
func (e *resolved) pick(resolution *mesh.Resolution, original netip.AddrPort) (mesh.Endpoint, error) {
	if len(resolution.Endpoints) > 0 {
		return resolution.Endpoints[e.turn.Add(1)%uint64(len(resolution.Endpoints))], nil
	}
	if resolution.Service {
		return mesh.Endpoint{}, fmt.Errorf("%s has no endpoints", resolution.Authority)
	}
	return mesh.Endpoint{Address: original.String()}, nil
}

func pause(ctx context.Context, wait time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	}
}
