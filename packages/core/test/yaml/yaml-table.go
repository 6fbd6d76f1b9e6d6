//go:build ignore

// Fills yaml-table.json with what kubectl reads: `json`, or `error` where it refuses. Rows keep their
// `yaml` and `refused`. From a scratch folder:
//
//	go mod init table
//	go get k8s.io/apimachinery/pkg/{runtime,util/yaml}@v0.36.3
//	cp <here>/yaml-table.go . && go run yaml-table.go <here>/yaml-table.json
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

type row struct {
	Yaml    string          `json:"yaml"`
	JSON    json.RawMessage `json:"json,omitempty"`
	Error   string          `json:"error,omitempty"`
	Refused string          `json:"refused,omitempty"`
}

// As StreamVisitor.Visit of k8s.io/cli-runtime does for kubectl create -f.
func read(text string) (json.RawMessage, error) {
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	documents := []json.RawMessage{}
	for {
		extension := runtime.RawExtension{}
		err := decoder.Decode(&extension)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		raw := bytes.TrimSpace(extension.Raw)
		if len(raw) > 0 && !bytes.Equal(raw, []byte("null")) {
			documents = append(documents, raw)
		}
	}
	switch len(documents) {
	case 0:
		return json.RawMessage("null"), nil
	case 1:
		return documents[0], nil
	}
	return nil, errors.New("several documents")
}

func main() {
	file := os.Args[1]
	content, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	rows := []row{}
	if err := json.Unmarshal(content, &rows); err != nil {
		panic(err)
	}
	out := bytes.Buffer{}
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for i, r := range rows {
		value, err := read(r.Yaml)
		filled := row{Yaml: r.Yaml, JSON: value, Refused: r.Refused}
		if err != nil {
			filled = row{Yaml: r.Yaml, Error: err.Error()}
		}
		if i == 0 {
			out.WriteString("[\n")
		} else {
			out.WriteString(",\n")
		}
		if err := encoder.Encode(filled); err != nil {
			panic(err)
		}
		out.Truncate(out.Len() - 1)
	}
	out.WriteString("\n]\n")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		panic(err)
	}
}
