// Package identity is the mesh's certificate authority: it signs short-lived certificates for pods
// that prove with their service account token who they are.
package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Authority signs with the issuer's certificate and key.
type Authority struct {
	issuer *x509.Certificate
	chain  [][]byte
	key    crypto.Signer
	// Lifetime of the certificates issued; the chart's default is 24 h.
	Lifetime time.Duration
	// Skew is taken off the start, for clocks that are behind; the chart's default is 20 s.
	Skew time.Duration
}

// NewAuthority reads the issuer (PEM) and checks it against the trust anchors (PEM). It fails if the key is not
// ECDSA P-256, if the certificate is no CA or has expired, or if no anchor vouches for it.
func NewAuthority(crtPEM, keyPEM, anchorsPEM []byte) (*Authority, error) {
	pair, err := tls.X509KeyPair(crtPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	issuer, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || key.Curve.Params().BitSize != 256 {
		return nil, errors.New("issuer: the key must be ECDSA P-256")
	}
	if !issuer.IsCA {
		return nil, errors.New("issuer: the certificate is not a CA")
	}
	anchors := x509.NewCertPool()
	if !anchors.AppendCertsFromPEM(anchorsPEM) {
		return nil, errors.New("identityTrustAnchorsPEM holds no certificate")
	}
	if _, err := issuer.Verify(x509.VerifyOptions{Roots: anchors, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return nil, fmt.Errorf("issuer: no trust anchor vouches for it: %w", err)
	}
	return &Authority{issuer: issuer, chain: pair.Certificate, key: key, Lifetime: 24 * time.Hour, Skew: 20 * time.Second}, nil
}

// Ends is when the issuer's own certificate ends.
func (a *Authority) Ends() time.Time { return a.issuer.NotAfter }

// Sign issues a certificate for the one DNS name to the key in the CSR (DER). Leaf first, then the issuer.
func (a *Authority) Sign(csr []byte, name string) ([][]byte, error) {
	request, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, err
	}
	if err := request.CheckSignature(); err != nil {
		return nil, err
	}
	if len(request.DNSNames) != 1 || request.DNSNames[0] != name {
		return nil, fmt.Errorf("the request is for %v, not for %s", request.DNSNames, name)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial,
		DNSNames:     []string{name},
		NotBefore:    now.Add(-a.Skew),
		NotAfter:     earlier(now.Add(a.Lifetime+a.Skew), a.issuer.NotAfter),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.issuer, request.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	return append([][]byte{leaf}, a.chain...), nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// NewRequest makes a P-256 key and a CSR (DER) for the name.
func NewRequest(key *ecdsa.PrivateKey, name string) ([]byte, error) {
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{name}}, key)
}

// EncodeCertificate is the PEM form of a certificate.
func EncodeCertificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
