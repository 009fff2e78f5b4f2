package bookinfo

import "net/http"

type ratings struct {
	ID      int            `json:"id"`
	Ratings map[string]int `json:"ratings"`
}

// Ratings answers /ratings/{id} with each reviewer's stars (1–5), and /health.
func Ratings() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health("Ratings"))
	mux.HandleFunc("GET /ratings/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, ok := number(r)
		if !ok {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": "please provide numeric product ID"})
			return
		}
		writeJSON(w, http.StatusOK, ratings{id, map[string]int{"Reviewer1": 5, "Reviewer2": 4}})
	})
	return mux
}
