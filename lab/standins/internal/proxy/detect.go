package proxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"time"
)

// stream is an accepted connection with what was read ahead of it and what is known about it.
type stream struct {
	net.Conn
	ahead *bufio.Reader
	flow  *flow
}

func newStream(connection net.Conn, f *flow) *stream {
	return &stream{connection, bufio.NewReaderSize(connection, 16<<10), f}
}

func (s *stream) Read(p []byte) (int, error) { return s.ahead.Read(p) }

// CloseWrite tells the peer that nothing more comes, while its answer can still be read.
func (s *stream) CloseWrite() error { return closeWrite(s.Conn) }

func closeWrite(connection net.Conn) error {
	if half, ok := connection.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return connection.Close()
}

var methods = []string{"GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH ", "TRACE "}

// isHTTP looks at the first bytes, without using them up, for at most timeout. Silence counts as not HTTP.
func (s *stream) isHTTP(timeout time.Duration) bool {
	_ = s.SetReadDeadline(time.Now().Add(timeout))
	defer s.SetReadDeadline(time.Time{})
	for want := 1; ; want++ {
		_, err := s.ahead.Peek(want)
		seen, _ := s.ahead.Peek(s.ahead.Buffered())
		possible := false
		for _, method := range methods {
			if bytes.HasPrefix(seen, []byte(method)) {
				return true
			}
			possible = possible || strings.HasPrefix(method, string(seen))
		}
		if err != nil || !possible {
			return false
		}
		want = len(seen)
	}
}

// serverName is the name that the peer asks for in a TLS ClientHello; empty for anything else, and for silence.
func (s *stream) serverName(timeout time.Duration) string {
	_ = s.SetReadDeadline(time.Now().Add(timeout))
	defer s.SetReadDeadline(time.Time{})
	const handshake = 0x16
	first, err := s.ahead.Peek(5)
	if err != nil || first[0] != handshake {
		return ""
	}
	length := 5 + int(first[3])<<8 + int(first[4])
	record, err := s.ahead.Peek(min(length, s.ahead.Size()))
	if err != nil {
		return ""
	}
	name := ""
	peeked := errors.New("peeked")
	_ = tls.Server(onlyRead{Reader: bytes.NewReader(record)}, &tls.Config{
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			name = hello.ServerName
			return nil, peeked
		},
	}).Handshake()
	return name
}

// onlyRead lets a TLS server read a ClientHello from memory and drops what it would answer.
type onlyRead struct {
	net.Conn
	io.Reader
}

func (o onlyRead) Read(p []byte) (int, error)     { return o.Reader.Read(p) }
func (onlyRead) Write(p []byte) (int, error)      { return len(p), nil }
func (onlyRead) Close() error                     { return nil }
func (onlyRead) SetDeadline(time.Time) error      { return nil }
func (onlyRead) SetWriteDeadline(time.Time) error { return nil }
func (onlyRead) SetReadDeadline(time.Time) error  { return nil }
