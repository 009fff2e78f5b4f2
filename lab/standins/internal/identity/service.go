package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"

	"daybreak/lab/standins/internal/kube"
	"daybreak/lab/standins/internal/mesh"
)

// Reviewer tells whose service account token this is, or that it is nobody's.
type Reviewer func(ctx context.Context, token string) (namespace, serviceAccount string, err error)

// TokenReview asks the API server.
func TokenReview(client *kube.Client) Reviewer {
	return func(ctx context.Context, token string) (string, string, error) {
		review := map[string]any{
			"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
			"spec": map[string]any{"token": token, "audiences": []string{mesh.TokenAudience}},
		}
		var answer struct {
			Status struct {
				Authenticated bool
				Error         string
				User          struct{ Username string }
			}
		}
		if err := client.Post(ctx, "/apis/authentication.k8s.io/v1/tokenreviews", review, &answer); err != nil {
			return "", "", err
		}
		if !answer.Status.Authenticated {
			return "", "", fmt.Errorf("the token is not valid: %s", answer.Status.Error)
		}
		parts := strings.Split(answer.Status.User.Username, ":")
		if len(parts) != 4 || parts[0] != "system" || parts[1] != "serviceaccount" {
			return "", "", fmt.Errorf("the token belongs to %s, which is no service account", answer.Status.User.Username)
		}
		return parts[2], parts[3], nil
	}
}

// Service answers POST /certify.
type Service struct {
	Authority    *Authority
	Review       Reviewer
	ControlPlane string // namespace
	TrustDomain  string
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request mesh.CertifyRequest
	if r.Method != http.MethodPost || r.URL.Path != "/certify" {
		http.NotFound(w, r)
		return
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	chain, err := s.certify(r.Context(), request)
	if err != nil {
		log.Printf("refused a certificate for %s: %v", request.Identity, err)
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	log.Printf("issued certificate for %s until %s later", request.Identity, s.Authority.Lifetime)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(mesh.CertifyResponse{Chain: chain})
}

func (s *Service) certify(ctx context.Context, request mesh.CertifyRequest) ([][]byte, error) {
	if request.Token == "" {
		return nil, errors.New("no token")
	}
	namespace, account, err := s.Review(ctx, request.Token)
	if err != nil {
		return nil, err
	}
	if own := mesh.Identity(account, namespace, s.ControlPlane, s.TrustDomain); own != request.Identity {
		return nil, fmt.Errorf("the token is %s's", own)
	}
	return s.Authority.Sign(request.CSR, request.Identity)
}
