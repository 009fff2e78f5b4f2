package kube

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Store mirrors one list of the API: it lists, then watches, and lists again when the watch breaks.
type Store[T any] struct {
	path    string
	meta    func(*T) Metadata
	changed func()
	// optional types may not be installed; the list is empty then.
	optional bool

	mutex   sync.RWMutex
	objects map[string]*T
	synced  chan struct{}
	once    sync.Once
}

// NewStore makes a store for a list path such as /api/v1/pods. changed runs after each change.
func NewStore[T any](path string, meta func(*T) Metadata, changed func()) *Store[T] {
	return &Store[T]{path: path, meta: meta, changed: changed, objects: map[string]*T{}, synced: make(chan struct{})}
}

// Optional says that the API server may not know the type (yet): the store is empty as long as that is so.
func (s *Store[T]) Optional() *Store[T] {
	s.optional = true
	return s
}

// Synced is closed once the first list is there.
func (s *Store[T]) Synced() <-chan struct{} { return s.synced }

// Each calls visit for every object until it returns false. The objects must not be changed.
func (s *Store[T]) Each(visit func(*T) bool) {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	for _, object := range s.objects {
		if !visit(object) {
			return
		}
	}
}

// Run keeps the store up to date until ctx ends.
func (s *Store[T]) Run(ctx context.Context, client *Client) error {
	for ctx.Err() == nil {
		version, err := s.list(ctx, client)
		for err == nil {
			version, err = s.watch(ctx, client, version)
		}
		if ctx.Err() != nil {
			break
		}
		again := time.Second
		if s.optional && unknown(err) {
			s.replace(map[string]*T{})
			again = 5 * time.Second
		} else {
			log.Printf("watching %s: %v; listing again", s.path, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
	return ctx.Err()
}

// unknown tells that the API server does not have the type.
func unknown(err error) bool {
	var answer *Error
	return errors.As(err, &answer) && answer.Status == http.StatusNotFound
}

func (s *Store[T]) list(ctx context.Context, client *Client) (string, error) {
	var list struct {
		Metadata Metadata `json:"metadata"`
		Items    []T      `json:"items"`
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := client.Get(ctx, s.path, &list); err != nil {
		return "", err
	}
	objects := make(map[string]*T, len(list.Items))
	for i := range list.Items {
		meta := s.meta(&list.Items[i])
		objects[meta.Namespace+"/"+meta.Name] = &list.Items[i]
	}
	s.replace(objects)
	return list.Metadata.ResourceVersion, nil
}

func (s *Store[T]) replace(objects map[string]*T) {
	s.mutex.Lock()
	s.objects = objects
	s.mutex.Unlock()
	s.once.Do(func() { close(s.synced) })
	s.changed()
}

// watch applies events until the server ends the watch, which it does after timeoutSeconds; then it tells the version to go on from.
func (s *Store[T]) watch(ctx context.Context, client *Client, version string) (string, error) {
	separator := "?"
	if strings.Contains(s.path, "?") {
		separator = "&"
	}
	path := fmt.Sprintf("%s%swatch=true&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=%s", s.path, separator, version)
	response, err := client.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	decoder := json.NewDecoder(lines)
	for {
		var event struct {
			Type   string
			Object json.RawMessage
		}
		if err := decoder.Decode(&event); err != nil {
			if errors.Is(err, context.Canceled) || ctx.Err() != nil {
				return "", ctx.Err()
			}
			return version, endOfWatch(err)
		}
		if event.Type == "ERROR" {
			return "", fmt.Errorf("the API server ended the watch: %.200s", event.Object)
		}
		object := new(T)
		if err := json.Unmarshal(event.Object, object); err != nil {
			return "", err
		}
		version = s.apply(event.Type, object)
	}
}

func (s *Store[T]) apply(kind string, object *T) string {
	meta := s.meta(object)
	if kind == "BOOKMARK" {
		return meta.ResourceVersion
	}
	s.mutex.Lock()
	if kind == "DELETED" {
		delete(s.objects, meta.Namespace+"/"+meta.Name)
	} else {
		s.objects[meta.Namespace+"/"+meta.Name] = object
	}
	s.mutex.Unlock()
	s.changed()
	return meta.ResourceVersion
}

// endOfWatch is nil for the regular end of a watch.
func endOfWatch(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
