package policy

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

const (
	// mostDimensions is the documented bound of custom dimensions.
	mostDimensions = 5
	// defaultNamespace is the documented one.
	defaultNamespace = "API Management"
	clientIPExample  = `<dimension name="Client IP" value="@(context.Request.IpAddress)" />`
)

func emitMetricEntry() entry {
	return entry{
		name: "emit-metric", sections: everySection, scopes: everyScope,
		does: "a metric of one's own",
		tier: tierA, page: page{
			intro: "Adds a value to a metric of one's own, with dimensions.",
			example: `
<emit-metric name="Request" value="1" namespace="contoso">
  <dimension name="API ID" />
  ` + clientIPExample + `
</emit-metric>`,
			behaviour: append([]string{
				"`value` is a number, written or computed; without it 1 is added. A computed one that is no number fails the request.",
			}, metricBehaviour()...),
			differences: metricDifferences(),
			errors:      []errorLine{{"ExpressionValueEvaluationFailure", "an expression throws, or `value` gives no number"}},
		},
		attributes: []attribute{
			{name: "name", required: true, expected: "text"},
			{name: "value", expected: "a number", otherwise: "1", expression: true},
			{name: "namespace", expected: "text", otherwise: defaultNamespace},
		},
		children: []child{dimensionChild()},
		compile:  compileEmitMetric,
	}
}

// metricBehaviour is what the policies that emit have in common.
func metricBehaviour() []string {
	return []string{
		"A dimension is a name and a value, at most five. Without `value` the name has to be one that is known: " + listed(knownDimensions()) + ". What is not known of a request is empty; `Backend ID` is empty before `set-backend-service` has chosen one by its id.",
		"The metric is scraped at `/metrics`, as `cloister_custom_` and its name in small letters, with `_` for all that Prometheus does not allow there: a sum and a count. Namespace and dimensions are labels, written the same way: `API ID` is `api_id`.",
		"In the place of credentials and of secret named values stands `***` in names and values of dimensions.",
		"Names and values are cut after 128 bytes. A gateway keeps 200 metrics, 2,000 series of each and 20,000 of all; values beyond are added to the series whose label `namespace` is `_OTHER`, and metrics beyond to `cloister_custom_other`. Both last until the process ends.",
	}
}

func metricDifferences() []string {
	return []string{
		"API Management sends metrics to Application Insights; here Prometheus scrapes them. The dimensions that API Management adds by itself (region, service) are left to the scraper.",
		"A policy without a dimension is accepted; the reference wants one.",
	}
}

func dimensionChild() child {
	return child{
		name: "dimension", many: true, expected: "a dimension",
		attributes: []attribute{
			{name: "name", required: true, expected: "text", expression: true},
			{name: "value", expected: "text", otherwise: "that of a known dimension", expression: true},
		},
	}
}

// knownDimensions are those that need no value.
func knownDimensions() []string {
	return []string{"API ID", "Operation ID", "Product ID", "User ID", "Subscription ID", "Location", "Gateway ID", "Backend ID"}
}

// dimensions are the dimension elements of a policy.
type dimensions []dimension

type dimension struct {
	name, value textValue
	// known: the value is the request's own.
	known bool
}

func (c *compiler) dimensions(n *Node) (out dimensions) {
	for _, k := range n.Elements() {
		if k.Name != "dimension" {
			continue
		}
		var d dimension
		var ok bool
		if d.name, ok = c.textAttribute(k, "name"); !ok {
			continue
		}
		if d.value, ok = c.textAttribute(k, "value"); !ok {
			if d.known = k.Attribute("value") == nil; d.known && d.name.compute == nil {
				c.checkDimension(k, d.name.literal)
			}
		}
		if out = append(out, d); len(out) == mostDimensions+1 {
			c.strict(k.Pos, "too-many-dimensions", fmt.Sprintf("at most %d", mostDimensions), "", "%q has more dimensions than API Management takes", n.Name)
		}
	}
	return out
}

// checkDimension refuses a dimension without a value that nobody knows.
func (c *compiler) checkDimension(n *Node, name string) {
	for _, known := range knownDimensions() {
		if name == known {
			return
		}
	}
	mend := nearestName(name, knownDimensions())
	if strings.EqualFold(name, "Client IP") {
		mend = "write " + clientIPExample
	}
	c.strict(n.Pos, "missing-attribute", "a value, or one of "+strings.Join(knownDimensions(), ", "), mend, "the dimension %q has no value of its own", name)
}

// values are the dimensions of one exchange.
func (d dimensions) values(ctx context.Context, x *Exchange) ([]telemetry.Dimension, *Error) {
	out := make([]telemetry.Dimension, 0, len(d))
	for i := range d {
		name, e := d[i].name.text(ctx, x)
		if e != nil {
			return nil, e
		}
		var value string
		if d[i].known {
			value = x.dimension(name)
		} else if value, e = d[i].value.text(ctx, x); e != nil {
			return nil, e
		}
		out = append(out, telemetry.Dimension{Name: x.Masked(name), Value: x.Masked(value)})
	}
	return out, nil
}

// dimension is the value of a known dimension.
func (x *Exchange) dimension(name string) string {
	switch {
	case name == "API ID" && x.API != nil:
		return x.API.ID
	case name == "Operation ID" && x.Operation != nil:
		return x.Operation.ID
	case name == "Product ID" && x.Product != nil:
		return x.Product.ID
	case name == "Subscription ID" && x.Subscription != nil:
		return x.Subscription.ID
	case name == "Backend ID":
		return x.Request.Backend.ID
	case name == "User ID" && x.User != nil && x.User.ID != nil:
		return *x.User.ID
	case name == "Location" && x.Deployment != nil && x.Deployment.Region != nil:
		return *x.Deployment.Region
	case name == "Gateway ID" && x.Deployment != nil && x.Deployment.GatewayID != nil:
		return *x.Deployment.GatewayID
	}
	return ""
}

// shownDimensions are dimensions for observers.
func (d dimensions) shown(values []telemetry.Dimension) string {
	var b strings.Builder
	for i, v := range values {
		value := v.Value
		if d[i].value.secret {
			value = masked
		}
		fmt.Fprintf(&b, ", %s=%s", v.Name, value)
	}
	return b.String()
}

type emitMetric struct {
	name, namespace string
	value           textValue
	number          float64
	dimensions      dimensions
}

func compileEmitMetric(c *compiler, n *Node) statement {
	s := &emitMetric{namespace: defaultNamespace, number: 1, dimensions: c.dimensions(n)}
	if v, ok := c.attribute(n, "name"); ok {
		if s.name = strings.TrimSpace(v.text); s.name == "" {
			c.invalid(v, "name", "a name", "")
		}
	}
	if v, ok := c.attribute(n, "namespace"); ok {
		s.namespace = strings.TrimSpace(v.text)
	}
	var ok bool
	if s.value, ok = c.textAttribute(n, "value"); ok && s.value.compute == nil {
		f, err := strconv.ParseFloat(strings.TrimSpace(s.value.literal), 64)
		if err != nil {
			v, _ := c.attribute(n, "value")
			c.invalid(v, "value", "a number", "")
		}
		s.number = f
	}
	return s
}

func (s *emitMetric) do(ctx context.Context, x *Exchange) (flow, *Error) {
	number := s.number
	if s.value.compute != nil {
		v, e := s.value.compute.eval(ctx, x)
		if e != nil {
			return stop, e
		}
		if number, e = s.value.compute.double(x, v); e != nil {
			return stop, e
		}
	}
	values, e := s.dimensions.values(ctx, x)
	if e != nil {
		return stop, e
	}
	if x.Services != nil && x.Services.Metrics != nil {
		x.Services.Metrics.Emit(x.Masked(s.namespace), x.Masked(s.name), number, values)
	}
	if x.Observer != nil {
		x.say(s.name, strconv.FormatFloat(number, 'g', -1, 64)+s.dimensions.shown(values))
	}
	return next, nil
}

// double is a value as a double.
func (e *expression) double(x *Exchange, v clr.Value) (float64, *Error) {
	text, failure := e.text(x, v)
	if failure != nil {
		return 0, failure
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return 0, e.badValue("The value of %q is no number.", e.name)
	}
	return f, nil
}
