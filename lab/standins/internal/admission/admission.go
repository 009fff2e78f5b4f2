// Package admission answers the API server's webhook calls.
package admission

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
)

// Request holds what a webhook is asked about.
type Request struct {
	UID       string          `json:"uid"`
	Namespace string          `json:"namespace"`
	Operation string          `json:"operation"`
	Object    json.RawMessage `json:"object"`
	Kind      struct {
		Kind string `json:"kind"`
	} `json:"kind"`
}

// Operation is one step of a JSON patch.
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// Decision is a webhook's answer: an error refuses the object, a patch changes it.
type Decision func(ctx context.Context, request *Request) ([]Operation, error)

type response struct {
	UID       string  `json:"uid"`
	Allowed   bool    `json:"allowed"`
	PatchType *string `json:"patchType,omitempty"`
	Patch     []byte  `json:"patch,omitempty"`
	Status    *status `json:"status,omitempty"`
}

type status struct {
	Message string `json:"message"`
	Code    int    `json:"code"`
}

type review struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Request    *Request  `json:"request,omitempty"`
	Response   *response `json:"response,omitempty"`
}

// Handler speaks AdmissionReview v1 around a decision.
func Handler(decide Decision) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked review
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 8<<20)).Decode(&asked); err != nil || asked.Request == nil {
			http.Error(w, "not an AdmissionReview", http.StatusBadRequest)
			return
		}
		answer := &response{UID: asked.Request.UID, Allowed: true}
		patch, err := decide(r.Context(), asked.Request)
		if err != nil {
			log.Printf("refused %s in %s: %v", asked.Request.Kind.Kind, asked.Request.Namespace, err)
			answer.Allowed, answer.Status = false, &status{err.Error(), http.StatusForbidden}
		} else if len(patch) > 0 {
			kind := "JSONPatch"
			answer.PatchType = &kind
			answer.Patch, _ = json.Marshal(patch)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview", Response: answer})
	})
}

// Allow lets everything pass.
func Allow(context.Context, *Request) ([]Operation, error) { return nil, nil }
