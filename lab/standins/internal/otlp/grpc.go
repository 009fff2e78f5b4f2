package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// TracesPath is where spans are sent to.
const TracesPath = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// largest is how much one request may hold, in bytes; gRPC's own default.
const largest = 4 << 20

// Client makes calls of gRPC with one message each way.
type Client struct{ http *http.Client }

// NewClient makes a client whose connections are made by dial; what is to be encrypted, dial encrypts.
func NewClient(dial func(context.Context) (net.Conn, error)) *Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		Protocols:   new(http.Protocols),
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	return &Client{&http.Client{Transport: transport}}
}

// Call sends a message to a method and waits for its answer, which nobody reads.
func (c *Client) Call(ctx context.Context, path string, message []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://collector"+path, bytes.NewReader(frame(message)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("Te", "trailers")
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, largest)); err != nil {
		return err
	}
	for _, from := range []http.Header{response.Trailer, response.Header} {
		if status := from.Get("Grpc-Status"); status == "0" {
			return nil
		} else if status != "" {
			return fmt.Errorf("gRPC status %s: %s", status, from.Get("Grpc-Message"))
		}
	}
	return fmt.Errorf("%s without a gRPC status", response.Status)
}

// frame puts what gRPC has before each message: that it is not compressed, and its length.
func frame(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

// Handler answers calls with one message each way; every answer is empty.
func Handler(take func(message []byte) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		message, err := unframe(io.LimitReader(r.Body, largest+5), r.Header.Get("Grpc-Encoding"))
		if err == nil {
			err = take(message)
		}
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
		w.WriteHeader(http.StatusOK)
		if err != nil {
			w.Header().Set("Grpc-Status", "3")
			w.Header().Set("Grpc-Message", err.Error())
			return
		}
		_, _ = w.Write(frame(nil))
		w.Header().Set("Grpc-Status", "0")
	}
}

// unframe takes the one message out of a call's body, which says of each whether it is compressed.
func unframe(body io.Reader, encoding string) ([]byte, error) {
	framed, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	if len(framed) < 5 || uint32(len(framed)-5) != binary.BigEndian.Uint32(framed[1:5]) {
		return nil, errors.New("not one whole message")
	}
	message := framed[5:]
	if framed[0] == 0 {
		return message, nil
	}
	if encoding != "gzip" {
		return nil, fmt.Errorf("a message compressed by %q, and only gzip is known", encoding)
	}
	return unzip(message)
}

func unzip(message []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(message))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(reader, largest+1))
	if err != nil {
		return nil, err
	}
	if len(plain) > largest {
		return nil, fmt.Errorf("more than %d bytes", largest)
	}
	return plain, nil
}
