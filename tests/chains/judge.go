// SPDX-License-Identifier: MIT
// judge.go - asks Go's crypto/x509 about chains of certificates. Input and output are those of judges.c.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// take cuts octets off the front of in.
func take(in *[]byte, n int) []byte {
	if n > len(*in) {
		n = len(*in)
	}
	piece := (*in)[:n]
	*in = (*in)[n:]
	return piece
}

func number(in *[]byte, size int) uint64 {
	var n uint64
	for _, octet := range take(in, size) {
		n = n<<8 | uint64(octet)
	}
	return n
}

func pieces(in *[]byte) [][]byte {
	var list [][]byte
	for n := number(in, 1); n > 0; n-- {
		list = append(list, take(in, int(number(in, 4))))
	}
	return list
}

func ask(in []byte) string {
	now := time.Unix(int64(number(&in, 8)), 0)
	host := string(take(&in, int(number(&in, 1))))
	options := x509.VerifyOptions{
		DNSName: host, CurrentTime: now, Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, der := range pieces(&in) {
		if anchor, err := x509.ParseCertificate(der); err == nil {
			options.Roots.AddCert(anchor)
		}
	}
	certs := pieces(&in)
	if len(certs) == 0 {
		return "none"
	}
	leaf, err := x509.ParseCertificate(certs[0])
	if err != nil {
		return "unread:" + err.Error()
	}
	for _, der := range certs[1:] {
		if one, err := x509.ParseCertificate(der); err == nil {
			options.Intermediates.AddCert(one)
		}
	}
	if _, err := leaf.Verify(options); err != nil {
		return err.Error()
	}
	return "OK"
}

func main() {
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		var n uint32
		if binary.Read(in, binary.BigEndian, &n) != nil {
			return
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		says := ask(body)
		if len(says) > 100 {
			says = says[:100]
		}
		fmt.Fprintln(out, strings.Join(strings.Fields(strings.ReplaceAll(says, "\x00", "?")), "_"))
		out.Flush()
	}
}
