// Package kubernetes tests the manifests beside it: every document is one that
// Kubernetes' own types accept, without a field that they do not know, and the
// pod is as closed as docs/running.md says. It asks no cluster.
package kubernetes

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// kinds are the documents that there may be, each as the type that reads it.
func kinds() map[string]func() any {
	return map[string]func() any{
		"v1 Namespace":                       func() any { return new(core.Namespace) },
		"v1 ConfigMap":                       func() any { return new(core.ConfigMap) },
		"v1 ServiceAccount":                  func() any { return new(core.ServiceAccount) },
		"v1 Service":                         func() any { return new(core.Service) },
		"apps/v1 StatefulSet":                func() any { return new(apps.StatefulSet) },
		"policy/v1 PodDisruptionBudget":      func() any { return new(policy.PodDisruptionBudget) },
		"networking.k8s.io/v1 NetworkPolicy": func() any { return new(networking.NetworkPolicy) },
	}
}

// documents reads all manifests, by kind and name.
func documents(t *testing.T) map[string]any {
	t.Helper()
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	out := map[string]any{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range bytes.Split(text, []byte("\n---\n")) {
			name, doc := read(t, file, part)
			if out[name] != nil {
				t.Errorf("%s: a second %s", file, name)
			}
			out[name] = doc
		}
	}
	return out
}

func read(t *testing.T, file string, text []byte) (name string, doc any) {
	t.Helper()
	var head struct {
		APIVersion string
		Kind       string
		Metadata   struct{ Name, Namespace string }
	}
	if err := yaml.Unmarshal(text, &head); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	empty := kinds()[head.APIVersion+" "+head.Kind]
	if empty == nil {
		t.Fatalf("%s: unknown document %s %s", file, head.APIVersion, head.Kind)
	}
	doc = empty()
	if err := yaml.UnmarshalStrict(text, doc); err != nil {
		t.Errorf("%s: %s: %v", file, head.Kind, err)
	}
	if head.Kind != "Namespace" && head.Metadata.Namespace != "cloister" {
		t.Errorf("%s: %s stands in the namespace %q", file, head.Kind, head.Metadata.Namespace)
	}
	return head.Kind + " " + head.Metadata.Name, doc
}

func TestDocuments(t *testing.T) {
	want := []string{
		"ConfigMap cloister-site", "Namespace cloister", "NetworkPolicy cloister", "NetworkPolicy nothing",
		"PodDisruptionBudget cloister", "Service cloister", "ServiceAccount cloister", "StatefulSet cloister",
	}
	if got := slices.Sorted(maps.Keys(documents(t))); !slices.Equal(got, want) {
		t.Errorf("documents %q", got)
	}
	// The reading itself: a field in the wrong place is found.
	bad := []byte("apiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: cloister}\nspec: {port: 1}\n")
	if err := yaml.UnmarshalStrict(bad, new(core.Service)); err == nil {
		t.Error("an unknown field passes")
	}
}

func statefulSet(t *testing.T) *apps.StatefulSet {
	t.Helper()
	return documents(t)["StatefulSet cloister"].(*apps.StatefulSet)
}

// TestPodIsClosed: what Kubernetes calls "restricted", and a root that nobody
// writes to.
func TestPodIsClosed(t *testing.T) {
	pod := statefulSet(t).Spec.Template.Spec
	s := pod.SecurityContext
	if !is(s.RunAsNonRoot, true) || !is(s.RunAsUser, 65532) || !is(s.RunAsGroup, 65532) || !is(s.FSGroup, 65532) {
		t.Errorf("users: %+v", s)
	}
	if s.SeccompProfile == nil || s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		t.Errorf("seccomp: %+v", s.SeccompProfile)
	}
	if !is(s.FSGroupChangePolicy, core.FSGroupChangeOnRootMismatch) {
		t.Error("the kubelet opens the state directory to the group at every start")
	}
	if !is(pod.AutomountServiceAccountToken, false) || pod.HostNetwork || pod.HostPID || pod.HostIPC {
		t.Error("the pod has a token, or something of the host's")
	}
	if len(pod.Containers) != 1 || len(pod.InitContainers) != 0 {
		t.Fatalf("%d containers", len(pod.Containers))
	}
	c := pod.Containers[0].SecurityContext
	if !is(c.AllowPrivilegeEscalation, false) || !is(c.ReadOnlyRootFilesystem, true) || !is(c.Privileged, false) {
		t.Errorf("the container: %+v", c)
	}
	if c.Capabilities == nil || !slices.Equal(c.Capabilities.Drop, []core.Capability{"ALL"}) || len(c.Capabilities.Add) != 0 {
		t.Errorf("capabilities: %+v", c.Capabilities)
	}
	if !is(documents(t)["ServiceAccount cloister"].(*core.ServiceAccount).AutomountServiceAccountToken, false) {
		t.Error("the service account has a token")
	}
	if got := documents(t)["Namespace cloister"].(*core.Namespace).Labels["pod-security.kubernetes.io/enforce"]; got != "restricted" {
		t.Errorf("the namespace enforces %q", got)
	}
}

func is[T comparable](p *T, want T) bool { return p != nil && *p == want }

var imagePattern = regexp.MustCompile(`^[a-z0-9.-]+(/[a-z0-9-]+)+(:v\d+\.\d+\.\d+|@sha256:[0-9a-f]{64})$`)

func TestContainer(t *testing.T) {
	set := statefulSet(t)
	pod := set.Spec.Template.Spec
	c := pod.Containers[0]
	if !imagePattern.MatchString(c.Image) {
		t.Errorf("the image %q is not one version's", c.Image)
	}
	if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() {
		t.Errorf("resources: %+v", c.Resources)
	}
	if len(c.Env) != 1 || c.Env[0].Name != "GOMEMLIMIT" || c.Env[0].ValueFrom.ResourceFieldRef.Resource != "limits.memory" {
		t.Errorf("environment: %+v", c.Env)
	}
	for name, p := range map[string]*core.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe} {
		if p == nil || p.Exec == nil || strings.Join(p.Exec.Command, " ") != "/cloister health --dir /var/lib/cloister" {
			t.Errorf("the %s probe: %+v", name, p)
		}
	}
	if p := c.LivenessProbe; p == nil || p.TCPSocket == nil || p.TCPSocket.Port.String() != c.Ports[0].Name {
		t.Errorf("the liveness probe: %+v", p)
	}
	// drainTimeout is 30 s; records and spans have 5 s more.
	if grace := pod.TerminationGracePeriodSeconds; grace == nil || *grace < c.Lifecycle.PreStop.Sleep.Seconds+30+10 {
		t.Error("the kubelet kills before the gateway has drained")
	}
}

// TestVolumes: every mount has its volume, only two can be written, and state
// outlives the pod.
func TestVolumes(t *testing.T) {
	set := statefulSet(t)
	pod := set.Spec.Template.Spec
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
		if v.HostPath != nil {
			t.Errorf("%s is a path of the host", v.Name)
		}
		if v.Projected != nil && !is(v.Projected.DefaultMode, 0o440) {
			t.Errorf("%s: others may read it", v.Name)
		}
	}
	for _, c := range set.Spec.VolumeClaimTemplates {
		volumes[c.Name] = true
	}
	var writable []string
	for _, m := range pod.Containers[0].VolumeMounts {
		if !volumes[m.Name] {
			t.Errorf("no volume %s", m.Name)
		}
		delete(volumes, m.Name)
		if !m.ReadOnly {
			writable = append(writable, m.MountPath)
		}
	}
	if len(volumes) > 0 || !slices.Equal(writable, []string{"/var/lib/cloister", "/tmp"}) {
		t.Errorf("not mounted: %v; writable: %v", volumes, writable)
	}
	if len(set.Spec.VolumeClaimTemplates) != 1 || set.Spec.VolumeClaimTemplates[0].Name != "state" {
		t.Error("state does not outlive the pod")
	}
}

// TestSelectors: everything means the same pods and the same port.
func TestSelectors(t *testing.T) {
	docs := documents(t)
	set := statefulSet(t)
	labels := set.Spec.Template.Labels
	ports := set.Spec.Template.Spec.Containers[0].Ports
	service := docs["Service cloister"].(*core.Service)
	for what, selector := range map[string]map[string]string{
		"set":     set.Spec.Selector.MatchLabels,
		"service": service.Spec.Selector,
		"budget":  docs["PodDisruptionBudget cloister"].(*policy.PodDisruptionBudget).Spec.Selector.MatchLabels,
		"network": docs["NetworkPolicy cloister"].(*networking.NetworkPolicy).Spec.PodSelector.MatchLabels,
	} {
		if len(selector) == 0 || !maps.Equal(selector, labels) {
			t.Errorf("the %s selects %v, the pods are %v", what, selector, labels)
		}
	}
	if service.Spec.Ports[0].TargetPort.String() != ports[0].Name || set.Spec.ServiceName != service.Name {
		t.Error("the service leads elsewhere")
	}
	nothing := docs["NetworkPolicy nothing"].(*networking.NetworkPolicy).Spec
	if len(nothing.PodSelector.MatchLabels) != 0 || len(nothing.PolicyTypes) != 2 || len(nothing.Ingress)+len(nothing.Egress) != 0 {
		t.Error("what is not allowed is not refused")
	}
	rules := docs["NetworkPolicy cloister"].(*networking.NetworkPolicy).Spec
	if len(rules.Ingress) != 1 || len(rules.Ingress[0].From) == 0 || rules.Ingress[0].Ports[0].Port.String() != ports[0].Name {
		t.Errorf("who gets in: %+v", rules.Ingress)
	}
	for _, e := range rules.Egress {
		if len(e.To) == 0 || len(e.Ports) == 0 {
			t.Errorf("a way out to anywhere: %+v", e)
		}
	}
}
