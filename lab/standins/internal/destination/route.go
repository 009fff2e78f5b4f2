package destination

import (
	"log"

	"daybreak/lab/standins/internal/gateway"
	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/mesh"
)

// route is the HTTPRoute of a service's port with its backends' endpoints; nil without one. Of several the first by name counts.
func (d *Directory) route(service *kube.Service, port uint16) *mesh.Route {
	var found *mesh.Route
	d.routes.Each(func(group string, candidate *kube.HTTPRoute) {
		// Routes of another namespace would hold for clients there only; the stand-in has none of these.
		if candidate.Metadata.Namespace != service.Metadata.Namespace || !isFor(candidate, service, port) {
			return
		}
		converted, err := gateway.Convert(group, candidate)
		if err != nil {
			log.Printf("HTTPRoute %s/%s is left out: %v", candidate.Metadata.Namespace, candidate.Metadata.Name, err)
			return
		}
		if found == nil || converted.Name < found.Name {
			found = converted
		}
	})
	if found == nil {
		return nil
	}
	found.ParentNamespace, found.Parent, found.Port = service.Metadata.Namespace, service.Metadata.Name, port
	for i, backend := range found.Backends {
		found.Backends[i].Endpoints = d.backend(service.Metadata.Namespace, backend)
	}
	return found
}

func isFor(route *kube.HTTPRoute, service *kube.Service, port uint16) bool {
	for _, parent := range route.Spec.ParentRefs {
		if parent.Is("", "Service") && parent.Name == service.Metadata.Name && parent.In(route.Metadata.Namespace) == service.Metadata.Namespace && (parent.Port == nil || *parent.Port == port) {
			return true
		}
	}
	return false
}

// backend lists the endpoints of a route's backend; none for a service or port that does not exist.
func (d *Directory) backend(namespace string, backend mesh.Backend) []mesh.Endpoint {
	var found []mesh.Endpoint
	d.services.Each(func(s *kube.Service) bool {
		if s.Metadata.Namespace != namespace || s.Metadata.Name != backend.Service {
			return true
		}
		for _, port := range s.Spec.Ports {
			if port.Port == backend.Port {
				found = d.endpoints(namespace, backend.Service, port.Name)
			}
		}
		return false
	})
	return found
}
