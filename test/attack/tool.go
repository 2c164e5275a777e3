package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// slowHeadersTool and slowBodyTool are the attacks as the usual tool makes
// them, from one address.
func slowHeadersTool(t *trial) {
	t.slowHTTPTest("/", "-c", "400", "-H", "-i", "3", "-r", "400", "-t", "GET", "-x", "24", "-p", "3", "-l", "20")
}

func slowBodyTool(t *trial) {
	t.slowHTTPTest(chatPath("slow")+"&subscription-key="+badKey,
		"-c", "300", "-B", "-i", "3", "-r", "300", "-s", "8192", "-t", "POST", "-f", "application/json", "-x", "10", "-p", "3", "-l", "25")
}

// slowHTTPTest runs the tool, which has to end because the gateway has ended
// all its connections, and not because its time was over.
func (t *trial) slowHTTPTest(path string, args ...string) {
	args = append(args, "-u", "https://"+t.gateway.address()+path)
	out, err := exec.CommandContext(t.ctx, "slowhttptest", args...).CombinedOutput()
	if err != nil {
		t.broken("slowhttptest: %v (to install it: sudo make deps)", err)
		return
	}
	text := string(out)
	if !strings.Contains(text, "No open connections left") {
		t.broken("slowhttptest did not end with all connections closed: %s", lastLines(text, 4))
		return
	}
	ended := regexp.MustCompile(`Test ended on (\d+)`).FindStringSubmatch(text)
	if ended == nil {
		t.broken("slowhttptest does not say when it ended: %s", lastLines(text, 4))
		return
	}
	n, _ := strconv.Atoi(ended[1]) // it consists of digits
	t.borne(time.Duration(n) * time.Second)
	t.note("%s connections", args[1])
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], " | ")
}

// cleanLoad is what well-behaved HTTP/2 clients do: all have to succeed.
func (t *trial) cleanLoad() {
	body := filepath.Join(t.gateway.dir, "h2load.json")
	if err := os.WriteFile(body, []byte(chatBody), 0o600); err != nil {
		t.broken("h2load: %v", err)
		return
	}
	const requests = 5000
	out, err := exec.CommandContext(t.ctx, "h2load", "-n", fmt.Sprint(requests), "-c", "4", "-m", "20", "-d", body,
		"-H", "Api-Key: "+goodKey, "-H", "Content-Type: application/json",
		"https://localhost:"+fmt.Sprint(t.gateway.port)+chatPath("good")).CombinedOutput()
	if err != nil {
		t.broken("h2load: %v (to install it: sudo make deps)", err)
		return
	}
	clean := fmt.Sprintf("%d succeeded, 0 failed", requests)
	codes := fmt.Sprintf("status codes: %d 2xx", requests)
	if !strings.Contains(string(out), clean) || !strings.Contains(string(out), codes) {
		t.broken("h2load after the attack: %s", lastLines(string(out), 6))
		return
	}
	t.note("h2load after it: %d of %[1]d", requests)
}
