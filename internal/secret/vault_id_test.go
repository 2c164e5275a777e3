package secret

import (
	"strings"
	"testing"
)

const someVersion = "4387e9f3d6e14c459867679a90fd0f79"

func TestParseVaultID(t *testing.T) {
	for text, want := range map[string]VaultObject{
		"https://kv.vault.azure.net/secrets/openai-key":                         {"https://kv.vault.azure.net", "secrets", "openai-key", ""},
		"https://KV.vault.AZURE.net/secrets/A/4387E9F3D6E14C459867679A90FD0F79": {"https://kv.vault.azure.net", "secrets", "A", someVersion},
		"https://127.0.0.1:8443/secrets/k":                                      {"https://127.0.0.1:8443", "secrets", "k", ""},
		"https://[::1]:8443/secrets/k":                                          {"https://[::1]:8443", "secrets", "k", ""},
	} {
		got, err := ParseVaultID(text, KindSecrets)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "kv", "https://", "https:///secrets/k", "http://kv.vault.azure.net/secrets/k", "HTTPS:kv/secrets/k",
		"https://kv.vault.azure.net", "https://kv.vault.azure.net/", "https://kv.vault.azure.net/secrets", "https://kv.vault.azure.net/secrets/",
		"https://kv.vault.azure.net/keys/k", "https://kv.vault.azure.net/Secrets/k", "https://kv.vault.azure.net//secrets/k",
		"https://kv.vault.azure.net/secrets/k/", "https://kv.vault.azure.net/secrets/k/latest", "https://kv.vault.azure.net/secrets/k/" + someVersion + "/",
		"https://kv.vault.azure.net/secrets/k/" + someVersion + "/wrapkey", "https://kv.vault.azure.net/secrets/../keys", "https://kv.vault.azure.net/secrets/%6b",
		"https://kv.vault.azure.net/secrets/k?", "https://kv.vault.azure.net/secrets/k?api-version=7.4", "https://kv.vault.azure.net/secrets/k#x",
		"https://user@kv.vault.azure.net/secrets/k", "https://kv.vault.azure.net/secrets/k_", "https://kv.vault.azure.net/secrets/" + strings.Repeat("k", 128),
		" https://kv.vault.azure.net/secrets/k", "https://kv.vault.azure.net\\@evil/secrets/k", "https://" + strings.Repeat("k", maxIdentifier) + "/secrets/k",
	} {
		if got, err := ParseVaultID(text, KindSecrets); err == nil || !strings.Contains(err.Error(), "; mend: ") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// FuzzParseVaultID: what is accepted has one spelling, which says the same.
func FuzzParseVaultID(f *testing.F) {
	for _, s := range []string{"https://kv.vault.azure.net/secrets/k", "https://kv/keys/a/" + someVersion, "https://[::1%25a]/keys/k", "https://a:b@c/keys/k"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []string{KindSecrets, KindKeys} {
			o, err := ParseVaultID(text, kind)
			if err != nil {
				continue
			}
			if again, err := ParseVaultID(o.String(), kind); err != nil || again != o {
				t.Errorf("%q is %+v, and that is %+v, %v", text, o, again, err)
			}
			if strings.ContainsAny(o.String(), " @?#%\\\r\n\t\x00") || !strings.HasPrefix(o.String(), o.Any().String()) {
				t.Errorf("%q is %+v", text, o)
			}
		}
	})
}
