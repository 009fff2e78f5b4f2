package bookinfo

import (
	"fmt"
	"net/http"
	"os"
)

type rating struct {
	Stars int    `json:"stars,omitempty"`
	Color string `json:"color,omitempty"`
	Error string `json:"error,omitempty"`
}

type review struct {
	Reviewer string  `json:"reviewer"`
	Text     string  `json:"text"`
	Rating   *rating `json:"rating,omitempty"`
}

type reviews struct {
	ID      string   `json:"id"`
	Pod     string   `json:"podname"`
	Cluster string   `json:"clustername"`
	Reviews []review `json:"reviews"`
}

// Reviews answers /reviews/{id}: version v1 without stars, v2 with black and v3 with red ones, asked of ratings.
// ENABLE_RATINGS and STAR_COLOR, the original's variables, override the version. It fails for another version.
func Reviews(version string, backends Backends) (http.Handler, error) {
	colors := map[string]string{"v1": "", "v2": "black", "v3": "red"}
	color, ok := colors[version]
	if !ok {
		return nil, fmt.Errorf("no version %q of reviews: one of v1, v2, v3", version)
	}
	if set := os.Getenv("STAR_COLOR"); set != "" {
		color = set
	}
	starred := version != "v1"
	if set := os.Getenv("ENABLE_RATINGS"); set != "" {
		starred = set == "true"
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health("Reviews"))
	mux.HandleFunc("GET /reviews/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, ok := number(r)
		if !ok {
			http.NotFound(w, r)
			return
		}
		answer := reviews{fmt.Sprint(id), os.Getenv("HOSTNAME"), "null", []review{
			{Reviewer: "Reviewer1", Text: "Two pairs of twins, one town and no patience: I laughed from the first mix-up to the last."},
			{Reviewer: "Reviewer2", Text: "Great fun on a rainy evening, though the characters stay as flat as the stage."},
		}}
		if starred {
			rate(answer.Reviews, r, backends, id, color)
		}
		writeJSON(w, http.StatusOK, answer)
	})
	return mux, nil
}

func rate(list []review, r *http.Request, backends Backends, id int, color string) {
	var found ratings
	_, err := backends.get(r.Context(), r.Header, backends.Ratings, fmt.Sprintf("/ratings/%d", id), &found)
	for i := range list {
		if err != nil {
			list[i].Rating = &rating{Error: "Ratings service is currently unavailable"}
			continue
		}
		list[i].Rating = &rating{Stars: found.Ratings[list[i].Reviewer], Color: color}
	}
}
