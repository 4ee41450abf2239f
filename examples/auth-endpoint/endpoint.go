// An auth endpoint, with Go 1.22 or later: go run endpoint.go
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log"
	"net/http"
)

type Question struct {
	APIKey  string `json:"api_key"`
	Request *struct {
		Path    string            `json:"path"`
		Headers map[string]string `json:"headers"`
		Params  map[string]any    `json:"params"`
	} `json:"request"`
}

type User struct {
	Principal  string              `json:"principal"`
	Attributes map[string][]string `json:"attributes,omitempty"`
}

// The SHA-256 of each key: printf %s "$KEY" | sha256sum
var users = map[string]User{
	"c48a01f49fd0f2cc404bc3cbbc80e91457a3d41bb429a695243de4c61794155c": {Principal: "alice"},
}

func validate(w http.ResponseWriter, r *http.Request) {
	var question Question
	body := http.MaxBytesReader(w, r.Body, 64<<10)
	if json.NewDecoder(body).Decode(&question) != nil || question.APIKey == "" || question.Request == nil {
		http.Error(w, "invalid question", http.StatusBadRequest)
		return
	}
	sum := sha256.Sum256([]byte(question.APIKey))
	user, known := users[hex.EncodeToString(sum[:])]
	if !known {
		http.Error(w, "unknown key", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "max-age=10")
	json.NewEncoder(w).Encode(user)
}

func main() {
	http.HandleFunc("POST /validate", validate)
	log.Fatal(http.ListenAndServe("127.0.0.1:9000", nil))
}
