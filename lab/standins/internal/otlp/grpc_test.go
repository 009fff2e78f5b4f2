package otlp

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"testing"
)

// call sends one framed message as gRPC's clients do, and gives the status and what the handler took.
func call(t *testing.T, compressed byte, message []byte, encoding string) (status string, taken []byte) {
	t.Helper()
	framed := append(binary.BigEndian.AppendUint32([]byte{compressed}, uint32(len(message))), message...)
	request := httptest.NewRequest(http.MethodPost, TracesPath, bytes.NewReader(framed))
	if encoding != "" {
		request.Header.Set("Grpc-Encoding", encoding)
	}
	response := httptest.NewRecorder()
	Handler(func(message []byte) error {
		taken = message
		return nil
	})(response, request)
	return response.Result().Trailer.Get("Grpc-Status"), taken
}

func zipped(text string) []byte {
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	_, _ = writer.Write([]byte(text))
	_ = writer.Close()
	return buffer.Bytes()
}

func TestMessageOfACall(t *testing.T) {
	for name, test := range map[string]struct {
		compressed byte
		message    []byte
		encoding   string
		status     string
		taken      string
	}{
		"as it is":                        {0, []byte("spans"), "", "0", "spans"},
		"not compressed, though it might": {0, []byte("spans"), "gzip", "0", "spans"},
		// The collector compresses what it sends, unless it is told not to.
		"gzip":                      {1, zipped("spans"), "gzip", "0", "spans"},
		"in a way nobody knows":     {1, []byte("spans"), "snappy", "3", ""},
		"gzip, and is nothing such": {1, []byte("spans"), "gzip", "3", ""},
	} {
		status, taken := call(t, test.compressed, test.message, test.encoding)
		if status != test.status || string(taken) != test.taken {
			t.Errorf("%s: status %s and %q, not %s and %q", name, status, taken, test.status, test.taken)
		}
	}
}
