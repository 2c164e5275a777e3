package issue

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
)

// The file of a key holds PEM blocks: PRIVATE KEY (PKCS #8) is the key in clear;
// the type below is what a key-encryption key sealed, which the header names.
const (
	pemSealed    = "CLOISTER SEALED CA KEY"
	headerFormat = "Format"
	headerKEK    = "Key-Encryption-Key"
	sealedFormat = "1"
	// maxForms is how many there are while one key-encryption key takes the
	// place of another that took, and did not finish to take, that of a third.
	maxForms = 4
)

// keyForm is a key as it lies in its file.
type keyForm struct {
	// kek is the ID of what sealed it; empty: data is PKCS #8 in clear.
	kek  string
	data []byte
}

// parseForms reads what encodeForms writes. Its errors go on after the name of
// the file.
func parseForms(text []byte) ([]keyForm, error) {
	var forms []keyForm
	seen := map[string]bool{}
	for len(bytes.TrimSpace(text)) > 0 {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			break
		}
		form, err := parseForm(block)
		if err != nil {
			return nil, err
		}
		if seen[form.kek] || len(forms) == maxForms {
			return nil, errors.New("holds the key more than once")
		}
		seen[form.kek] = true
		forms = append(forms, form)
	}
	if len(forms) == 0 || len(bytes.TrimSpace(text)) > 0 {
		return nil, errors.New("is not a PEM file with a private key")
	}
	return forms, nil
}

func parseForm(block *pem.Block) (keyForm, error) {
	switch block.Type {
	case pemKey:
		return keyForm{data: block.Bytes}, nil
	case pemSealed:
		if format := block.Headers[headerFormat]; format != sealedFormat {
			return keyForm{}, fmt.Errorf("is sealed in format %q, and only %s is known here", format, sealedFormat)
		}
		form := keyForm{kek: block.Headers[headerKEK], data: block.Bytes}
		if form.kek == "" || len(form.data) == 0 {
			return keyForm{}, errors.New("is sealed, and does not say by which key")
		}
		return form, nil
	}
	return keyForm{}, fmt.Errorf("is not a PEM file with a private key: it holds a %q", block.Type)
}

func encodeForms(forms []keyForm) []byte {
	var out bytes.Buffer
	for _, form := range forms {
		block := &pem.Block{Type: pemKey, Bytes: form.data}
		if form.kek != "" {
			block.Type = pemSealed
			block.Headers = map[string]string{headerFormat: sealedFormat, headerKEK: form.kek}
		}
		out.Write(pem.EncodeToMemory(block)) // no header has a colon in its name, so it encodes
	}
	return out.Bytes()
}
