// Package tlsfiles reads the options of TLS that the URLs of backends have in common, and tells a refusal of TLS from a server
// that does not answer.
package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
)

// The options of a URL.
const (
	CA         = "tls_ca_file"     // what signed the server's certificate, in PEM
	Cert       = "tls_cert_file"   // the certificate that the client shows, in PEM
	Key        = "tls_key_file"    // and its key
	ServerName = "tls_server_name" // the name that the server's certificate has to be for
)

// Read makes a configuration of the options, which option returns by name, "" for one that is not given. Without a server name
// each server's certificate has to be for the host that the connection is made to. Errors name the option, and show no value.
func Read(option func(name string) string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: option(ServerName)}
	if path := option(CA); path != "" {
		pem, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("the option %s: the file cannot be read: %w", CA, withoutPath(err))
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("the option %s: the file has no certificate: give one in PEM", CA)
		}
	}
	certificate, key := option(Cert), option(Key)
	if (certificate == "") != (key == "") {
		return nil, fmt.Errorf("the options %s and %s belong together: give both or none", Cert, Key)
	}
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("the options %s and %s: %w", Cert, Key, withoutPath(err))
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// withoutPath returns what is wrong with a file, without its name, which is a part of the setting.
func withoutPath(err error) error {
	var problem *fs.PathError
	if errors.As(err, &problem) {
		return problem.Err
	}
	return err
}

// IsRefusal reports whether a handshake has failed for what is in a certificate or in the configuration.
func IsRefusal(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        tls.AlertError
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
		remote       *net.OpError
	)
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid) ||
		errors.As(err, &remote) && remote.Op == "remote error" // an alert of the server
}

// Advised puts the options before an error that would be right, where it tells of a certificate that does not hold; any other error stays as it is.
func Advised(err error) error {
	var (
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
	)
	switch {
	case errors.As(err, &authority):
		return fmt.Errorf("its certificate is signed by an authority that is not known here: give that one by the option %s of the URL: %w", CA, err)
	case errors.As(err, &hostname):
		return fmt.Errorf("its certificate is for another host: give the name that it is for by the option %s of the URL: %w", ServerName, err)
	}
	return err
}
