//go:build !lean

package sbom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"

	"trustfs/integrity"
	"trustfs/provenance/strictjson"
)

// Parse reads a document of any known kind, told by its content.
func Parse(b []byte) (d *Document, err error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("SBOM: %d bytes, at most %d are read", len(b), MaxBytes)
	}
	if err := strictjson.Check(b); err != nil {
		return nil, fmt.Errorf("SBOM: %w", err)
	}
	d = &Document{sums: map[integrity.Digest]bool{}}
	var head struct {
		SPDXVersion string          `json:"spdxVersion"`
		BOMFormat   string          `json:"bomFormat"`
		Context     json.RawMessage `json:"@context"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("SBOM: %w", err)
	}
	if err := json.Unmarshal(b, &d.Raw); err != nil {
		return nil, fmt.Errorf("SBOM: %w", err)
	}
	// The libraries read what strangers wrote. A panic in one is a document that cannot be read, no more.
	defer func() {
		if v := recover(); v != nil {
			d, err = nil, fmt.Errorf("SBOM: the document breaks its reader: %v", v)
		}
	}()
	switch {
	case head.SPDXVersion != "":
		err = d.spdx2(b)
	case head.BOMFormat != "":
		err = d.cyclonedx(b)
	case strings.Contains(string(head.Context), "spdx.org/rdf/3."):
		err = d.spdx3()
	default:
		err = errors.New("neither SPDX nor CycloneDX JSON")
	}
	if err != nil {
		return nil, fmt.Errorf("SBOM: %w", err)
	}
	return d, nil
}

func (d *Document) add(value string) {
	if sum, err := integrity.ParseDigest(strings.ToLower(value)); err == nil {
		d.sums[sum] = true
	}
}

// spdx2 takes the checksums of packages and files.
func (d *Document) spdx2(b []byte) error {
	doc, err := spdxjson.Read(bytes.NewReader(b))
	if err != nil {
		return err
	}
	d.Kind = SPDX2
	each := func(sums []spdx.Checksum) {
		for _, c := range sums {
			if c.Algorithm == "SHA256" {
				d.add(c.Value)
			}
		}
	}
	for _, p := range doc.Packages {
		if p != nil {
			each(p.PackageChecksums)
		}
	}
	for _, f := range doc.Files {
		if f != nil {
			each(f.Checksums)
		}
	}
	return nil
}

// cyclonedx takes the hashes of the described component and of all components, nested ones too.
func (d *Document) cyclonedx(b []byte) error {
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(b), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		return err
	}
	if bom.BOMFormat != cdx.BOMFormat || bom.SpecVersion < cdx.SpecVersion1_4 || bom.SpecVersion > cdx.SpecVersion1_6 {
		return fmt.Errorf("%.40s %s; expected CycloneDX 1.4 to 1.6", bom.BOMFormat, bom.SpecVersion)
	}
	d.Kind = CycloneDX
	if bom.Metadata != nil && bom.Metadata.Component != nil {
		d.components(&[]cdx.Component{*bom.Metadata.Component})
	}
	d.components(bom.Components)
	return nil
}

// components recurses as deep as the document nests, which strictjson bounds.
func (d *Document) components(cs *[]cdx.Component) {
	if cs == nil {
		return
	}
	for _, c := range *cs {
		if c.Hashes != nil {
			for _, h := range *c.Hashes {
				if h.Algorithm == cdx.HashAlgoSHA256 {
					d.add(h.Value)
				}
			}
		}
		d.components(c.Components)
	}
}
