package main

import (
	"golang.org/x/sys/unix"
)

func socket(domain, typ int) attack {
	names := map[int]string{unix.AF_INET: "AF_INET", unix.AF_INET6: "AF_INET6", unix.AF_UNIX: "AF_UNIX", unix.AF_NETLINK: "AF_NETLINK",
		unix.AF_PACKET: "AF_PACKET", unix.AF_VSOCK: "AF_VSOCK", unix.AF_ALG: "AF_ALG"}
	stops := "sec"
	if domain == unix.AF_PACKET {
		stops = "caps sec"
	}
	return attack{name: "socket " + names[domain], stops: stops, try: func(*target) error { return sys(unix.SYS_SOCKET, uintptr(domain), uintptr(typ), 0) }}
}

var network = []attack{
	socket(unix.AF_INET, unix.SOCK_STREAM), socket(unix.AF_INET6, unix.SOCK_DGRAM), socket(unix.AF_UNIX, unix.SOCK_STREAM),
	socket(unix.AF_NETLINK, unix.SOCK_RAW), socket(unix.AF_PACKET, unix.SOCK_RAW), socket(unix.AF_VSOCK, unix.SOCK_STREAM),
	socket(unix.AF_ALG, unix.SOCK_SEQPACKET),
	{name: "socketpair", stops: "sec", try: func(*target) error { return sys(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM, 0, buf(8)) }},
	{name: "connect to a TCP port of the host", stops: "ns ll sec", try: func(t *target) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		return then(err, func() error {
			return unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: t.Port})
		})
	}},
	{name: "send a UDP datagram to the host", stops: "ns sec", try: func(t *target) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		return then(err, func() error {
			return unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: t.Port})
		})
	}},
	{name: "listen on a TCP port", stops: "ll sec", try: func(t *target) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		return then(err, func() error { return unix.Bind(fd, &unix.SockaddrInet4{Port: t.Port + 1}) })
	}},
	{name: "connect to the daemon's socket", stops: "ns sec", try: func(t *target) error { return dial(t.Socket) }},
	{name: "connect to an abstract socket", stops: "ns ll sec", try: func(t *target) error { return dial("@" + t.Abstract) }},
	{name: "io_uring", stops: "sec", try: func(*target) error { return sys(unix.SYS_IO_URING_SETUP, 1, buf(256)) }},
}

func dial(name string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	return then(err, func() error { return unix.Connect(fd, &unix.SockaddrUnix{Name: name}) })
}
