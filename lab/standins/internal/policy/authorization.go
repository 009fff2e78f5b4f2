package policy

import (
	"errors"
	"fmt"
	"log"
	"net/netip"
	"slices"
	"strings"

	"daybreak/lab/standins/internal/gateway"
	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/mesh"
)

// authorizations are those of the namespace's policies whose target is meant. A policy that cannot be read lets nobody pass.
func (i *Index) authorizations(namespace string, meant func(kube.Reference) bool) []mesh.Authorization {
	var found []mesh.Authorization
	i.policies.Each(func(policy *kube.AuthorizationPolicy) bool {
		if policy.Metadata.Namespace != namespace || !meant(policy.Spec.TargetRef) {
			return true
		}
		authorization, err := i.authorization(policy)
		if err != nil {
			log.Printf("AuthorizationPolicy %s/%s is left out: %v", namespace, policy.Metadata.Name, err)
			return true
		}
		found = append(found, authorization)
		return true
	})
	slices.SortFunc(found, func(a, b mesh.Authorization) int { return strings.Compare(a.Policy.Name, b.Policy.Name) })
	return found
}

// authorization joins a policy's authentications, all of which a client has to fulfil.
func (i *Index) authorization(policy *kube.AuthorizationPolicy) (mesh.Authorization, error) {
	joined := mesh.Authorization{Policy: mesh.Named{Group: "policy.linkerd.io", Kind: "authorizationpolicy", Name: policy.Metadata.Name}}
	for _, required := range policy.Spec.RequiredAuthenticationRefs {
		namespace := required.In(policy.Metadata.Namespace)
		var err error
		switch {
		case required.Is("", "ServiceAccount"):
			err = addIdentities(&joined, []string{mesh.Identity(required.Name, namespace, i.settings.ControlPlane, i.settings.TrustDomain)})
		case required.Is("policy.linkerd.io", "MeshTLSAuthentication"):
			err = i.addMeshTLS(&joined, namespace, required.Name)
		case required.Is("policy.linkerd.io", "NetworkAuthentication"):
			err = i.addNetworks(&joined, namespace, required.Name)
		default:
			err = fmt.Errorf("%s %s is no authentication", required.Group, required.Kind)
		}
		if err != nil {
			return joined, err
		}
	}
	if joined.Networks == nil {
		joined.Networks = mesh.AnyNetwork()
	}
	return joined, nil
}

func addIdentities(to *mesh.Authorization, identities []string) error {
	if to.Identities != nil {
		return errors.New("it names identities twice")
	}
	to.Identities = identities
	return nil
}

func (i *Index) addMeshTLS(to *mesh.Authorization, namespace, name string) error {
	var found *kube.MeshTLSAuthentication
	i.meshTLS.Each(func(a *kube.MeshTLSAuthentication) bool {
		if a.Metadata.Namespace == namespace && a.Metadata.Name == name {
			found = a
		}
		return found == nil
	})
	if found == nil {
		return fmt.Errorf("there is no MeshTLSAuthentication %s/%s", namespace, name)
	}
	identities := slices.Clone(found.Spec.Identities)
	for _, account := range found.Spec.IdentityRefs {
		if !account.Is("", "ServiceAccount") || account.Name == "" {
			return fmt.Errorf("MeshTLSAuthentication %s/%s: the lab's stand-in takes single ServiceAccounts only", namespace, name)
		}
		identities = append(identities, mesh.Identity(account.Name, account.In(namespace), i.settings.ControlPlane, i.settings.TrustDomain))
	}
	return addIdentities(to, identities)
}

func (i *Index) addNetworks(to *mesh.Authorization, namespace, name string) error {
	var found *kube.NetworkAuthentication
	i.networks.Each(func(a *kube.NetworkAuthentication) bool {
		if a.Metadata.Namespace == namespace && a.Metadata.Name == name {
			found = a
		}
		return found == nil
	})
	if found == nil {
		return fmt.Errorf("there is no NetworkAuthentication %s/%s", namespace, name)
	}
	if to.Networks != nil {
		return errors.New("it names networks twice")
	}
	for _, network := range found.Spec.Networks {
		cidr, err := netip.ParsePrefix(network.CIDR)
		if err != nil {
			return err
		}
		read := mesh.Network{CIDR: cidr}
		for _, text := range network.Except {
			part, err := netip.ParsePrefix(text)
			if err != nil {
				return err
			}
			read.Except = append(read.Except, part)
		}
		to.Networks = append(to.Networks, read)
	}
	return nil
}

// routesOf are a Server's HTTPRoutes with the authorizations of each.
func (i *Index) routesOf(namespace, server string) []mesh.PolicyRoute {
	var found []mesh.PolicyRoute
	i.routes.Each(func(group string, route *kube.HTTPRoute) {
		parent := func(p kube.Reference) bool { return p.Is("policy.linkerd.io", "Server") && p.Name == server }
		if route.Metadata.Namespace != namespace || !slices.ContainsFunc(route.Spec.ParentRefs, parent) {
			return
		}
		paths, err := gateway.Paths(route)
		if err != nil {
			log.Printf("HTTPRoute %s/%s is left out: %v", namespace, route.Metadata.Name, err)
			return
		}
		name := route.Metadata.Name
		found = append(found, mesh.PolicyRoute{
			Route: mesh.Named{Group: group, Kind: "HTTPRoute", Name: name}, Paths: paths,
			Authorizations: i.authorizations(namespace, func(target kube.Reference) bool { return target.Is(group, "HTTPRoute") && target.Name == name }),
		})
	})
	// Exact paths come before prefixes, as the Gateway API has it; else by name.
	slices.SortFunc(found, func(a, b mesh.PolicyRoute) int {
		if prefixed(a) != prefixed(b) {
			if prefixed(b) {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Route.Name, b.Route.Name)
	})
	return found
}

func prefixed(route mesh.PolicyRoute) bool {
	return slices.ContainsFunc(route.Paths, func(m mesh.PathMatch) bool { return m.Prefix })
}
