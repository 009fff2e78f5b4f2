package proxy

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"daybreak/lab/standins/internal/metrics"
	"daybreak/lab/standins/internal/otlp"
	"daybreak/lab/standins/internal/serve"
	"daybreak/lab/standins/internal/standin"
	"daybreak/lab/standins/internal/trace"
)

type originalFunc func(net.Conn) (netip.AddrPort, error)

// Proxy is one pod's sidecar.
type Proxy struct {
	config      *Config
	registry    *metrics.Registry
	telemetry   *telemetry
	certificate *certificate
	resolver    *resolver
	policies    *policies
	original    originalFunc
	tracer      *trace.Tracer
	stopped     chan struct{}
	once        sync.Once
}

// New makes a proxy; version goes into its metric proxy_build_info.
func New(config *Config, version string) (*Proxy, error) {
	registry := metrics.NewRegistry()
	registry.Gauge("proxy_build_info", "Proxy build info").Set(1, metrics.Labels{"version", version, "vendor", standin.Notice("Linkerd")})
	own, err := newCertificate(config, registry)
	if err != nil {
		return nil, err
	}
	var tracer *trace.Tracer
	if config.Collector.Address != "" {
		tracer = trace.NewTracer(append([]string{"service.name", config.TraceService}, config.TraceAttributes...)...)
	}
	return &Proxy{
		tracer: tracer,
		config: config, registry: registry, telemetry: newTelemetry(registry), certificate: own,
		resolver: newResolver(config.Destination, own), policies: newPolicies(config, own, registry), original: originalDestination, stopped: make(chan struct{}),
	}, nil
}

// Ready tells whether the proxy has its certificate and, where it is patient, has reached the destination service.
func (p *Proxy) Ready() bool {
	select {
	case <-p.certificate.ready:
	default:
		return false
	}
	if !p.config.Patient {
		return true
	}
	select {
	case <-p.resolver.reached:
		return true
	default:
		return false
	}
}

func (p *Proxy) stop() { p.once.Do(func() { close(p.stopped) }) }

// Run serves until ctx ends or a shutdown is asked for, then lets what is under way finish.
func (p *Proxy) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-ctx.Done():
		case <-p.stopped:
		}
		p.drain()
		cancel()
	}()
	in, out := newInbound(p), newOutbound(p)
	info("linkerd2_proxy", "%s", standin.Notice("Linkerd"))
	info("linkerd2_proxy", "Admin interface on %s", p.config.Admin)
	info("linkerd2_proxy", "Inbound interface on %s", p.config.Inbound)
	info("linkerd2_proxy", "Outbound interface on %s", p.config.Outbound)
	info("linkerd2_proxy", "Local identity is %s", p.config.LocalName)
	info("linkerd2_proxy", "Destinations resolved via %s (%s)", trimDot(p.config.Destination.Address), p.config.Destination.Name)
	return serve.All(work,
		p.certificate.run,
		p.meet,
		func(ctx context.Context) error { return p.policies.follow(ctx, p.certificate.ready) },
		p.reportSpans,
		accept(p.config.Inbound, in.handle),
		accept(p.config.Outbound, out.handle),
		func(ctx context.Context) error {
			return serve.Until(ctx, p.config.Admin, p.policies.guard(p.config.Admin, p.admin()), nil)
		},
		func(ctx context.Context) error {
			return serve.Until(ctx, p.config.Control, http.NotFoundHandler(), nil)
		},
	)
}

// reportSpans sends spans to the collector, where there is one, once there is a certificate to show.
func (p *Proxy) reportSpans(ctx context.Context) error {
	if p.tracer == nil {
		return nil
	}
	select {
	case <-p.certificate.ready:
	case <-ctx.Done():
		return nil
	}
	return p.tracer.Run(ctx, otlp.NewClient(connector(p.config.Collector, p.certificate.client(p.config.Collector.Name))))
}

// meet reaches for the destination service once there is a certificate to show.
func (p *Proxy) meet(ctx context.Context) error {
	if !p.config.Destination.local() && p.config.Patient {
		select {
		case <-p.certificate.ready:
		case <-ctx.Done():
			return nil
		}
	}
	return p.resolver.knock(ctx)
}

// drain waits until nothing has been under way for half a second, at most the shutdown grace period.
func (p *Proxy) drain() {
	info("linkerd2_proxy", "Received shutdown signal")
	deadline := time.Now().Add(p.config.ShutdownGrace)
	for idle := 0; idle < 5 && time.Now().Before(deadline); idle++ {
		if p.telemetry.busy.Load() > 0 {
			idle = -1
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// accept listens until ctx ends and serves each connection on its own.
func accept(address string, handle func(net.Conn)) func(context.Context) error {
	return func(ctx context.Context) error {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("listen on %s: %w", address, err)
		}
		go func() { <-ctx.Done(); listener.Close() }()
		for {
			connection, err := listener.Accept()
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			go handle(connection)
		}
	}
}
