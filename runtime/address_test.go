package runtime

import (
	"net/netip"
	"testing"
)

func TestAddressFits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		host, address string
		want          bool
	}{
		{"example.com", "93.184.215.14", true},
		{"example.com", "2606:2800:21f::1", true},
		{"example.com", "127.0.0.1", false},
		{"example.com", "127.8.8.8", false},
		{"example.com", "::1", false},
		{"example.com", "10.1.2.3", false},
		{"example.com", "172.16.0.1", false},
		{"example.com", "172.32.0.1", true},
		{"example.com", "192.168.1.1", false},
		{"example.com", "169.254.169.254", false},
		{"example.com", "100.64.0.1", false},
		{"example.com", "100.128.0.1", true},
		{"example.com", "0.0.0.0", false},
		{"example.com", "0.1.2.3", false},
		{"example.com", "::", false},
		{"example.com", "224.0.0.1", false},
		{"example.com", "ff02::1", false},
		{"example.com", "255.255.255.255", false},
		{"example.com", "fe80::1", false},
		{"example.com", "fe80::1%eth0", false},
		{"example.com", "fd00:ec2::254", false},
		{"example.com", "::ffff:10.0.0.1", false},
		{"example.com", "::ffff:93.184.215.14", true},
		{"example.com", "64:ff9b::a9fe:a9fe", false},
		{"example.com", "64:ff9b::5db8:d70e", true},
		{"example.com", "2002:7f00:1::", false},
		{"example.com", "::7f00:1", false},
		{"localhost", "127.0.0.1", true},
		{"localhost", "::1", true},
		{"localhost", "10.0.0.1", false},
		{"localhost", "93.184.215.14", false},
		{"a.localhost", "127.0.0.1", false},
		{"169.254.169.254", "169.254.169.254", true},
		{"10.0.0.1", "10.0.0.1", true},
		{"10.0.0.1", "10.0.0.2", false},
		{"::1", "::1", true},
		{"::ffff:10.0.0.1", "10.0.0.1", true},
	}
	for _, tt := range tests {
		if got := addressFits(tt.host, netip.MustParseAddr(tt.address)); got != tt.want {
			t.Errorf("addressFits(%s, %s) = %v, want %v", tt.host, tt.address, got, tt.want)
		}
	}
}
