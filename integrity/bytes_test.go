package integrity

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

// A Manifest of bytes in memory is the one of the pass over a file that holds them.
func TestOfBytes(t *testing.T) {
	for _, size := range []int{0, 1, ChunkSize - 1, ChunkSize, ChunkSize + 1, 3*ChunkSize + 5} {
		content := make([]byte, size)
		for i := range content {
			content[i] = byte(i * 31)
		}
		want, err := Build(t.Context(), bytes.NewReader(content), int64(size), nil)
		if err != nil {
			t.Fatal(err)
		}
		read, err := ReadWhole(bytes.NewReader(content), int64(size))
		if err != nil || !bytes.Equal(read, content) {
			t.Fatalf("%d bytes read whole: %d, %v", size, len(read), err)
		}
		if got := OfBytes(read); !reflect.DeepEqual(got, want) {
			t.Errorf("%d bytes: %+v, expected %+v", size, got, want)
		}
		if _, err := ReadWhole(bytes.NewReader(content), int64(size)+1); !errors.Is(err, ErrChanged) {
			t.Errorf("a file cut to %d bytes: %v", size, err)
		}
	}
}
