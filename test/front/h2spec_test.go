package front

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/cloister-ai/cloister/internal/testenv"
	"github.com/google/go-cmp/cmp"
)

// accepted are the cases of h2spec that fail, each with why it may.
func accepted() map[string]string {
	return map[string]string{
		"6.5.3. Settings Synchronization: Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE":                                                     "net/http ends the connection, on purpose: such a frame serves no client",
		"8.1.2.2. Connection-Specific Header Fields: Sends a HEADERS frame that contains the connection-specific header field":                       "answered with 400 instead of a reset, which RFC 9113 section 8.1.1 allows",
		"8.1.2.2. Connection-Specific Header Fields: Sends a HEADERS frame that contains the TE header field with any value other than \"trailers\"": "answered with 400 instead of a reset, as above",
	}
}

type h2specReport struct {
	Suites []struct {
		Name  string `xml:"name,attr"`
		Cases []struct {
			Package string  `xml:"package,attr"`
			Class   string  `xml:"classname,attr"`
			Name    string  `xml:"name,attr"`
			Failure *string `xml:"failure"`
			Error   *string `xml:"error"`
			Skipped *string `xml:"skipped"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

// TestH2spec: 142 of 145, and the three are the three that we know.
func TestH2spec(t *testing.T) {
	h2spec := testenv.Need(t, "h2spec")
	u := start(t)
	// h2spec sends what no client should, from one address: whether it were banned
	// before its end would hang on how fast the machine is.
	u.limits.BanFor = -1
	u.renew(t)
	file := filepath.Join(t.TempDir(), "h2spec.xml")
	cmd := exec.Command(h2spec, "-h", u.addr.Addr().String(), "-p", strconv.Itoa(int(u.addr.Port())), "-t", "-k", "-j", file)
	out, err := cmd.CombinedOutput() // exit 1: something failed, as it will
	src, readErr := os.ReadFile(file)
	if readErr != nil {
		t.Fatalf("h2spec wrote no report: %v\n%s", err, out)
	}
	var report h2specReport
	if err := xml.Unmarshal(src, &report); err != nil {
		t.Fatal(err)
	}
	total := 0
	var failed []string
	for _, suite := range report.Suites {
		for _, c := range suite.Cases {
			total++
			if c.Failure != nil || c.Error != nil || c.Skipped != nil {
				failed = append(failed, suite.Name+": "+c.Class)
			}
		}
	}
	var want []string
	for name := range accepted() {
		want = append(want, name)
	}
	slices.Sort(want)
	slices.Sort(failed)
	if diff := cmp.Diff(want, failed); diff != "" || total != 145 {
		t.Errorf("%d cases, want 145; failed (-want +got):\n%s\n%s", total, diff, out)
	}
}
