package csharp

// ContextDeviations are those of "context", and what Azure's page leaves open
// about it. Their expressions see the context file of docs/policies/expressions.md.
func ContextDeviations() []Deviation {
	return []Deviation{
		{
			Name: "Keys of subscriptions", There: "`PrimaryKey` and `SecondaryKey` are the subscription's keys.",
			Here: "They are empty in the gateway; `Key` is what the caller sent. A context file gives what it likes.", Why: "Keys are stored as digests: nobody has them.",
		},
		{
			Name: "Several values of a header", There: silent, Here: "`GetValueOrDefault` joins them with commas. Names of headers and of query parameters stand in any case.",
			Why: "It is how HTTP reads them.", Shows: `@(context.Request.Headers.GetValueOrDefault("ACCEPT", ""))`, Gives: `{"type":"System.String","value":"text/html,application/json"}`,
		},
		{
			Name: "Variables without a type", There: silent, Here: "`GetValueOrDefault(name)` without a type argument gives an object; with one, a value of another type throws an InvalidCastException.",
			Why: "Published policies call it so.", Shows: `@(context.Variables.GetValueOrDefault("n") is int)`, Gives: `{"type":"System.Boolean","value":true}`,
		},
		{
			Name: "Reading a body", There: "A body is read once unless `preserveContent` is true; what comes then, Azure's page does not say.",
			Here: "It is empty afterwards. `As<T>` takes string, byte[], JObject, JArray, JToken, XElement, XNode and XDocument, and throws a NotSupportedException for others.",
			Why:  "It is what the second reading of a stream gives.", Shows: `@(context.Request.Body.As<string>().Length + context.Request.Body.As<string>().Length)`, Gives: `{"type":"System.Int32","value":16}`,
		},
		{
			Name: "Queries and forms", There: silent, Here: "Names and values are decoded as a form's, values of one name keep their order. `ToFormUrlEncodedContent` writes them as `WebUtility.UrlEncode` does, `ToQueryString` with the question mark.",
			Why: "It is what a browser sends.", Shows: `@(context.Request.Url.Query.GetValueOrDefault("q"))`, Gives: `{"type":"System.String","value":"one two"}`,
		},
		{
			Name: "Tokens", There: silent, Here: "`AsJwt` takes three parts, of which two are JSON objects, and verifies nothing. Every claim stands in `Claims`: an array as several values, an object as its JSON. A token that is none gives null.",
			Why: "Tokens are verified by policies, not by expressions.", Shows: `@(((Jwt)context.Variables["j"]).Claims.GetValueOrDefault("roles"))`, Gives: `{"type":"System.String","value":"reader,writer"}`,
		},
		{
			Name: "Basic credentials", There: silent, Here: "`AsBasic` takes the scheme in any case, and UTF-8.", Why: "RFC 7617 says so.",
			Shows: `@("basic YWRhOng=".AsBasic().UserId)`, Gives: `{"type":"System.String","value":"ada"}`,
		},
		{
			Name: "Text of context's objects", There: "The names of classes of the gateway.", Here: "The name of the interface; of a URL the URL.",
			Why: "Azure does not publish its classes.", Shows: `@(context.Request + " " + context.Request.Url)`, Gives: `{"type":"System.String","value":"IRequest https://models.example/chat/7?q=one+two"}`,
		},
		{
			Name: "What a context file does not have", There: "Workspaces, backends, resolvers, certificates, foundry deployments and private endpoints are there when they are there.",
			Here: "With a context file `Workspace`, `Backend`, `GraphQL`, `Request.Certificate`, `Request.Foundry`, `Request.PrivateEndpointConnection` and `Deployment.SustainabilityInfo` are null, `Deployment.Certificates` is empty, `Tracing` is false and `Trace` goes nowhere.",
			Why:  "The file describes what most policies ask for.", Shows: `@(context.Workspace == null && context.Deployment.Certificates.Count == 0)`, Gives: `{"type":"System.Boolean","value":true}`,
		},
	}
}

// RunDeviations are those of carrying out and of answers.
func RunDeviations() []Deviation {
	return []Deviation{
		{
			Name: "Limits", There: "Azure does not publish any.", Here: "A run that passes a limit ends; `catch` does not see it, and `finally` does not run.",
			Why:   "Otherwise a policy could go on behind its limit. See [ADR 17](../adr/0017-budgets-instead-of-trust.md).",
			Shows: `@{ try { while (true) { } } catch (Exception) { return 1; } }`,
			Gives: `{"error":{"type":"limit","message":"the expression was ended: it takes more than its limit of steps (10000000)"}}`,
		},
		{
			Name: "Answers as JSON", There: "API Management has no such command.",
			Here: "`cloister policy eval --json` prints a JToken as its JSON in a string, NaN and infinities as strings, and everything that is no string, number or boolean as its `ToString()`.",
			Why:  "A value should be read back as what it was.", Shows: `@(new JObject(new JProperty("a", 1.0)))`, Gives: `{"type":"Newtonsoft.Json.Linq.JObject","value":"{\"a\":1.0}"}`,
		},
	}
}

// Absences are the parts of C# that policies cannot have.
func Absences() []Absent {
	return []Absent{
		{"`async` functions and lambdas", `@{ async int F() { return 1; } return F(); }`, "CS1525"},
		{"`await`", `@{ await x; return 1; }`, "CS1525"},
		{"`ref` variables and results", `@{ var a = 1; ref int b = ref a; return b; }`, "CS1525"},
		{"`unsafe` and `fixed`", `@{ unsafe { } return 1; }`, "CS0227"},
		{"`stackalloc`", `@(stackalloc int[1])`, "CS1525"},
		{"`dynamic`", `@{ dynamic d = 1; return d; }`, "CS0246"},
		{"types of one's own", `@{ class C { } return 1; }`, "CS1513"},
		{"`this` and `base`", `@(this)`, "CS0026"},
		{"`yield` outside of a local function", `@{ yield return 1; }`, "CS1621"},
		{"lines of the preprocessor", "@{\n#if DEBUG\n#endif\nreturn 1; }", "CS1024"},
		{"switch expressions, ranges, `??=`, `static` local functions and everything else of C# 8 and later", `@(1 switch { _ => 2 })`, "CS8370"},
		{"types outside of the list", `@(new System.Net.WebClient())`, "CS0246"},
		{"static members outside of the list", `@(Regex.Escape("."))`, "CS0117"},
		{"other members outside of the list", `@("a".AsSpan())`, "CS1061"},
	}
}
