// A peer on quic-go: "client ADDRESS" or "server ADDRESS CERTIFICATE KEY". It writes each event to standard output, one a line.
package main

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/lucas-clemente/quic-go"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	config := &quic.Config{EnableDatagrams: true, MaxIdleTimeout: 20 * time.Second}
	tlsConfig := &tls.Config{NextProtos: []string{"test"}, InsecureSkipVerify: true}
	if os.Args[1] == "client" {
		conn, err := quic.DialAddrContext(ctx, os.Args[2], tlsConfig, config)
		check(err)
		talk(ctx, conn)
		return
	}
	certificate, err := tls.LoadX509KeyPair(os.Args[3], os.Args[4])
	check(err)
	tlsConfig.Certificates = []tls.Certificate{certificate}
	listener, err := quic.ListenAddr(os.Args[2], tlsConfig, config)
	check(err)
	fmt.Println("listening", listener.Addr())
	conn, err := listener.Accept(ctx)
	check(err)
	talk(ctx, conn)
}

// talk opens a stream, reads the peer's streams, returns 100 datagrams and reports how the connection ends.
func talk(ctx context.Context, conn quic.Connection) {
	fmt.Println("protocol", conn.ConnectionState().TLS.NegotiatedProtocol)
	out, err := conn.OpenUniStreamSync(ctx)
	check(err)
	fmt.Println("opened", out.StreamID())
	_, err = out.Write([]byte{1, 0})
	check(err)
	check(out.Close())
	in, err := conn.AcceptUniStream(ctx)
	check(err)
	octets, err := io.ReadAll(in)
	check(err)
	fmt.Println("stream", in.StreamID(), hex.EncodeToString(octets))
	in, err = conn.AcceptUniStream(ctx)
	check(err)
	_, err = io.ReadAll(in)
	fmt.Println("reset", err)
	for i := 0; i < 100; i++ {
		datagram, err := conn.ReceiveMessage()
		check(err)
		check(conn.SendMessage(datagram))
	}
	_, err = conn.AcceptUniStream(ctx)
	fmt.Println("closed", err)
}

func check(err error) {
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}
