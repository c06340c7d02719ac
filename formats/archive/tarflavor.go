package archive

import (
	"archive/tar"
	"errors"
	"io"

	"trustfs/formats"
)

// A TarFlavor is a format whose files are tar archives, as a Flavor is one of zip archives.
type TarFlavor interface {
	// Open gives what reads an archive of these members, or nil where no loader of the flavor takes it.
	Open(c *formats.Context, s *formats.Source, members []TarMember) TarReader
}

// A TarReader judges members of one archive.
type TarReader interface {
	// Member judges one regular member. False leaves it to every inspector that accepts its bytes.
	Member(c *formats.Context, s *formats.Source, name string) bool
}

// A TarMember is one member of a tar archive, by its header.
type TarMember struct {
	Name    string
	Regular bool  // false for folders, links and devices
	Start   int64 // of its bytes in the archive
	Size    int64 // bytes
}

// maxTarListed bounds the members that TarMembers lists: loaders that look for members by name have few.
const maxTarListed = 10_000

// TarMembers lists the members of the tar archive at the beginning of s, up to where its headers break; that they do is for
// Tar to find.
func TarMembers(s *formats.Source) (out []TarMember, err error) {
	body := io.NewSectionReader(paged(s).R, 0, s.Size)
	r := tar.NewReader(body)
	for len(out) < maxTarListed {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		at, _ := body.Seek(0, io.SeekCurrent)
		regular := h.Typeflag == tar.TypeReg || h.Typeflag == tar.TypeCont || h.Typeflag == '\x00'
		out = append(out, TarMember{Name: h.Name, Regular: regular, Start: at, Size: h.Size})
	}
	return out, errors.New("more members than any loader looks through")
}

// open gives the readers of the flavors that take the archive.
func (t Tar) open(c *formats.Context, s *formats.Source) (out []TarReader) {
	if len(t.Flavors) == 0 {
		return nil
	}
	members, _ := TarMembers(s)
	for _, f := range t.Flavors {
		if r := f.Open(c, s, members); r != nil {
			out = append(out, r)
		}
	}
	return out
}
