package site

// The bounds and defaults of cloister.yaml that code besides the table needs.
const (
	defaultState     = "active"
	defaultAuthority = "https://login.microsoftonline.com"
)

// configFields is every field of cloister.yaml. Names are the yaml tags of
// [Config]; a test holds the two against each other.
func configFields() []field {
	return []field{
		text("name", "Name of the site, shown in records and metrics.").must(),
		text("publicNetworkAccess", "Only \"Enabled\" lets a listener stand on a public or wildcard address, and answers clients whose addresses are not private, those that a trusted proxy names included.").
			among("Disabled", "Enabled").defaults("Disabled"),
		listenersField(),
		hostnamesField(),
		object("health", "Where /livez, /readyz and /metrics stand.",
			text("address", "HOST:PORT with an IP address that is not public; empty: no probes.").
				orEmpty().defaults("127.0.0.1:9443")),
		callersField(),
		tokensField(),
		subscriptionsField(),
		mapping("namedValues", secretRef("", ""),
			"Values of secret named values, by display name, for documents in apim/named values that hold none."),
		mapping("certificates", object("", "",
			text("certificate", "PEM file with the certificate chain, relative to the site's directory.").must(),
			text("key", "PEM file with the private key, relative to the site's directory; nobody else may read it. Never read at load. "+
				"Without it: the certificate verifies, and is not shown to backends."),
		), "Certificates that policies name, by the id that they name them by, as those that are uploaded to API Management."),
		trustedProxiesField(),
		privatePrefixesField(),
		destinationsField(),
		backendsField(),
		object("names", "Which DNS servers are asked.",
			texts("servers", "HOST:PORT with an IP address, each listed in destinations.name too; or \"system\": "+
				"those of the system when the site was loaded.").defaults("[system]").atLeast(1)),
		networkField(),
		stateField(),
		keyVaultField(),
		auditField(),
		adminField(),
		telemetryField(),
		duration("drainTimeout", "30s", "How long open requests may go on after SIGTERM."),
		limitsField(),
		object("policies", "How policies behave where the gateway does otherwise by default, and whose requests may be traced.",
			texts("trace", "Subscriptions whose requests are traced when they ask for it by the header Ocp-Apim-Trace: true. A trace may hold prompts and completions.").defaults("[]"),
			list("documented", field{}.among(DocumentedTokenLimit),
				"llm-token-limit: requests at the same time may pass a limit together. It counts for azure-openai-token-limit as well.")),
		acceptedFieldsField(),
	}
}

func networkField() field {
	return object("network", "Where the gateway stands in the network that network/ describes.",
		text("subnet", "Its subnet, as NAME or NETWORK/NAME: the rules of that subnet hold for every connection, and one of the host's addresses has to lie in it. "+
			"Not given: no rules are enforced."),
		text("networkInterface", "Its interface in network/, where a security group or application security groups are associated with it."),
		text("flowLog", "\"stdout\", \"stderr\" or a file, for flow records in the form of Azure's NSG flow logs. Not given: none."),
		object("dns", "The DNS server for the private zones of network/.",
			list("listeners", object("", "",
				text("address", "An IP address that is not public, the name of a network interface, or \"private\".").must(),
				integer("port", 0, 65535, "UDP and TCP port; 0 takes a free one.").must(),
			), "Where it answers. None: it does not run."),
			texts("forward", "HOST:PORT with an IP address, each listed in destinations.name too: who is asked for names outside the zones. None: such names are refused."),
		),
	)
}

func listenersField() field {
	return list("listeners", object("", "",
		text("address", "An IP address, the name of a network interface, or \"private\": every private address of the host.").must(),
		integer("port", 0, 65535, "TCP port; 0 takes a free one.").must(),
	), "Where callers connect.").must().atLeast(1)
}

func hostnamesField() field {
	return list("hostnames", object("", "",
		text("name", "A DNS name or an IP address, in lower case.").must(),
		boolean("default", "Use this certificate for clients that send no server name. At most one hostname.").defaults("false"),
		text("certificate", "PEM file with the certificate chain, relative to the site's directory. "+
			"Without it: a certificate of the site's own CA."),
		text("key", "PEM file with the private key, relative to the site's directory. Never read at load."),
		text("clientCA", "PEM file with CAs, relative to the site's directory: clients are asked for a certificate of one of them."),
	), "The names that the gateway answers to, chosen by server name (SNI). Others are refused.").must().atLeast(1)
}

func callersField() field {
	kinds := field{}.among(CallerSubscription, CallerToken, CallerSubscriptionAndToken,
		CallerCertificate, CallerPolicy, CallerAnonymous)
	return object("callers", "Who may call.",
		list("default", kinds, "For APIs not named below. Not given: subscription where the API requires one, else nobody."),
		mapping("apis", list("", kinds, ""), "Per API, by id; an empty list: nobody."),
	)
}

func tokensField() field {
	return object("tokens", "Callers by token.",
		texts("audiences", "The gateway's own application ids."),
		list("issuers", object("", "",
			text("issuer", "The exact \"iss\" of its tokens; https.").must(),
			text("metadata", "URL of the OpenID configuration. Not given: issuer + \"/.well-known/openid-configuration\". "+
				"Not used with jwksUri."),
			text("jwksUri", "URL of the key set, for issuers without metadata."),
			list("algorithms", field{noGuess: true}.among("RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
				"ES256", "ES384", "ES512", "EdDSA"), "Signature algorithms the issuer may use.").
				defaults("[RS256]").atLeast(1),
			text("caFile", "PEM bundle for the issuer's TLS, relative to the site's directory; not given: system roots."),
			texts("audiences", "Audiences, where the issuer has others than tokens.audiences.").atLeast(1),
			text("tokenType", "The \"typ\" to require. Not given: \"JWT\" under Entra's rules (scp or roles needed, ID tokens refused).").
				among("at+jwt", "JWT"),
		), "Trusted issuers."),
		list("callers", object("", "",
			text("subscription", "Name of the subscription the caller acts under.").must(),
			text("issuer", "Limits the rule to one issuer."),
			texts("clientApplicationIds", "Values of azp, appid or client_id.").atLeast(1),
			texts("principals", "Values of oid, or sub where there is no oid.").atLeast(1),
			texts("groups", "Values of groups.").atLeast(1),
			texts("roles", "Values of roles.").atLeast(1),
			texts("scopes", "Values of scp.").atLeast(1),
		), "Which tokens act under which subscription; the first match counts. All conditions given have to hold, "+
			"within one list any value is enough, and at least one condition is needed."),
	)
}

func subscriptionsField() field {
	return list("subscriptions", object("", "",
		text("name", "The subscription's name.").must(),
		text("scope", "\"/apis\" (all APIs), \"/apis/ID\" or \"/products/ID\". Not given: that of apim/subscriptions."),
		text("state", "Not given: that of apim/subscriptions, else active.").
			among("active", "suspended", "submitted", "rejected", "cancelled", "expired"),
		secretRef("primaryKey", "Where the primary key rests."),
		secretRef("secondaryKey", "Where the secondary key rests."),
		object("boundTo", "Narrows who may use the keys. Every list that is given has to hold.",
			texts("principals", "Values of oid (or sub) of the token that comes with the key.").atLeast(1),
			texts("certificates", "SHA-256 fingerprints of TLS client certificates, lower-case hex.").atLeast(1),
		),
	), "Subscriptions declared here, or keys for those of apim/subscriptions.")
}

func trustedProxiesField() field {
	return list("trustedProxies", object("", "",
		field{name: "prefix", typ: typePrefix, doc: "Addresses of the proxies."}.must(),
		text("proxyProtocol", "The proxy sends PROXY protocol.").among("v2"),
		integer("forwardedFor", 1, 16, "Number of hops of X-Forwarded-For to walk from the right."),
	), "Peers whose word on the client's address counts. Each says proxyProtocol or forwardedFor.")
}

func privatePrefixesField() field {
	return list("privatePrefixes", object("", "",
		field{name: "prefix", typ: typePrefix, doc: "The range; /8 or longer."}.must(),
		text("reason", "Required outside RFC 1918, RFC 6598 and fc00::/7."),
	), "Address space of class \"model\". Not given: RFC 1918, RFC 6598 and fc00::/7. A list given replaces it.").atLeast(1)
}

func destinationsField() field {
	class := func(name, doc, port string) field {
		d := []field{
			text("host", "A DNS name or an IP address, in lower case; never a pattern.").must(),
			integer("port", 1, 65535, "TCP port.").defaults(port),
		}
		if name != "model" {
			d = append(d, boolean("public", "Accept a public address.").defaults("false"))
		}
		d = append(d, list("addresses", field{typ: typeAddress},
			"Pins the host: no name is asked, only these are connected to.").atLeast(1))
		if name == "call" || name == "identity" {
			d = append(d, text("caFile", "PEM bundle for the destination's TLS. Not given: system roots."))
		}
		return list(name, object("", "", d...), doc)
	}
	return object("destinations", "All that the process may connect to. What is not listed is refused.",
		class("model", "Backends. Private addresses only; no setting changes that.", "443"),
		class("call", "Where policies may connect.", "443"),
		class("identity", "Issuers, key sets, token endpoints, instance metadata.", "443"),
		class("secret", "Secret stores.", "443"),
		class("telemetry", "Collectors of metrics and spans.", "443"),
		class("state", "The shared database, and the witness of the audit log.", "443"),
		class("name", "DNS servers.", "53"),
	)
}

func backendsField() field {
	return mapping("backends", object("", "",
		text("url", "Declares a backend that apim/backends does not hold: https URL with host and optional path."),
		object("credential", "How the gateway logs in. Exactly one.",
			boolean("none", "The backend asks for nothing."),
			managedIdentityField("https://cognitiveservices.azure.com"),
			object("apiKey", "A key in a header.",
				text("header", "Name of the header.").defaults("api-key"),
				secretRef("key", "Where the key rests.").must(),
			),
			clientSecretField("https://cognitiveservices.azure.com/.default"),
		).exactlyOne(),
		text("caFile", "PEM bundle for the backend's TLS, relative to the site's directory; not given: system roots."),
		boolean("passCallerToken", "Let the caller's own credential travel on to this backend.").defaults("false"),
		integer("maxConnections", 1, 65535, "Open connections to one host.").defaults("512"),
	), "What Azure keeps elsewhere about a backend, by backend id.")
}

func managedIdentityField(resource string) field {
	return object("managedIdentity", "A token of the machine's managed identity; {} for the system-assigned one.",
		text("clientId", "Client id of a user-assigned identity."),
		text("resource", "Whom the token is for.").defaults(resource),
	)
}

func clientSecretField(scope string) field {
	return object("clientSecret", "A token by OAuth 2.0 client credentials.",
		text("authority", "The authority's https URL.").defaults(defaultAuthority),
		text("tenantId", "Tenant id.").must(),
		text("clientId", "Client id.").must(),
		secretRef("secret", "Where the client secret rests.").must(),
		text("scope", "Whom the token is for.").defaults(scope),
		text("caFile", "PEM bundle for the authority's TLS, relative to the site's directory."),
	)
}

func telemetryField() field {
	return object("telemetry", "Where records, metrics and spans go.",
		text("accessLog", "\"stdout\", \"stderr\", or a file.").defaults("stdout"),
		object("otlp", "An OpenTelemetry collector (OTLP over HTTP).",
			text("endpoint", "http or https URL without path; not given: no spans leave."),
			text("caFile", "PEM bundle for the collector's TLS, relative to the site's directory."),
			field{name: "sampleRatio", typ: typeNumber, doc: "Share of requests that are traced, 0 to 1.", max: 1}.defaults("1"),
		),
	)
}

func limitsField() field {
	return object("limits", "Bounds on what one client may ask of the listener.",
		integer("maxBodyBytes", 1024, 1<<30, "Bytes of a request body. The operations of the model API never take more than 33554432.").
			defaults("33554432"),
		duration("headerTimeout", "5s", "For the TLS handshake and the request head."),
		duration("idleTimeout", "60s", "For a connection between requests."),
		duration("streamIdleTimeout", "300s", "A stream that moves no byte for this long is cut."),
		duration("requestTimeout", "3600s", "For one request in all."),
		duration("requestReadTimeout", "300s", "For receiving one request whole."),
		integer("maxConnections", 1, 1<<20, "Open connections of the listener.").defaults("10000"),
		integer("maxConnectionsPerClient", 1, 1<<20, "Open connections of one address (IPv6: one /64).").defaults("2500"),
		integer("maxConnectionsPerPrefix", 1, 1<<20, "Open connections of one IPv4 /24 or IPv6 /48.").defaults("5000"),
		integer("maxRequestsPerClient", 1, 1<<20, "Open requests of one client address (IPv6: one /64), streams included.").defaults("5000"),
		integer("maxWebSocketsPerCaller", 1, 1<<20, "Open WebSockets of one subscription, or of one address where callers are anonymous.").defaults("100"),
		duration("banFor", "60s", "How long a client that attacks is refused at first; longer each time it comes back."),
		integer("memoryBytes", 64<<20, 1<<50, "Memory that overload is measured against. Not given: the container's limit, else GOMEMLIMIT, else the machine's."),
	)
}

func stateField() field {
	return object("state", "Where durable state lives.",
		text("directory", "Absolute, or relative to the site's directory.").defaults("state"),
		object("postgres", "A PostgreSQL database that several gateways share. Needs encryption.",
			text("host", "A DNS name or an IP address, listed in destinations.state.").must(),
			integer("port", 1, 65535, "TCP port.").defaults("5432"),
			text("database", "Name of the database.").must(),
			text("user", "Role to log in as.").must(),
			secretRef("password", "Where the password rests."),
			text("sslMode", "\"disable\" is for loopback alone.").among("verify-full", "disable").defaults("verify-full"),
			text("caFile", "PEM bundle for the server's TLS, relative to the site's directory; not given: system roots."),
		),
		duration("staleAfter", "5s", "How long shared state may be silent before the gateway refuses requests."),
		object("encryption", "The key-encryption key of stored state. Not given: the keys lie in the state directory, readable by its owner alone.",
			object("keyFile", "A key file, sealed by a passphrase; \"cloister key create\" makes one.",
				text("file", "Absolute, or relative to the site's directory.").must(),
				secretRef("passphrase", "Where the passphrase rests.").must(),
			),
			object("keyVault", "An RSA key in Azure Key Vault.",
				text("key", "Key identifier: https://VAULT/keys/NAME, with /VERSION to pin one.").must(),
			),
		).exactlyOne(),
	)
}

func keyVaultField() field {
	return object("keyVault", "How Azure Key Vaults are reached; their hosts stand in destinations.secret.",
		object("credential", "How the gateway logs in. Not given: the system-assigned managed identity.",
			managedIdentityField("https://vault.azure.net"),
			clientSecretField("https://vault.azure.net/.default"),
		).exactlyOne(),
		text("caFile", "PEM bundle for the vaults' TLS, relative to the site's directory; not given: system roots."),
		duration("refreshInterval", "5m", "How often secrets without a version are looked at."),
	)
}

func auditField() field {
	return object("audit", "The chained log of decisions, operators' acts and changes.",
		object("witness", "Where checkpoints go, so that a truncation or a roll-back is found. Either file or url.",
			text("file", "A file on another volume; absolute."),
			text("url", "https URL that takes a checkpoint by PUT and gives the last by GET; its host stands in destinations.state."),
			text("caFile", "PEM bundle for the witness's TLS, relative to the site's directory."),
			secretRef("token", "Where the bearer token for the witness rests."),
			duration("interval", "10s", "How often a checkpoint goes there at most."),
		),
		list("digests", field{}.among("principal", "client", "subscription"),
			"Identifiers that stand in the log as keyed digests in the place of themselves."),
	)
}

func adminField() field {
	return object("admin", "The operator's door over TLS. Without it the Unix socket in the state directory is the only one.",
		object("listener", "Where it stands.",
			text("address", "An IP address, or the name of a network interface.").must(),
			integer("port", 0, 65535, "TCP port; 0 takes a free one.").must(),
		),
		text("hostname", "Which of hostnames' certificates it shows. Not given: the default one, or the only one."),
		text("clientCA", "PEM file with CAs, relative to the site's directory, for operators by certificate."),
		texts("audiences", "Audiences of operators' tokens; none of tokens.audiences.").atLeast(1),
		list("roles", object("", "",
			text("role", "reader sees, operator changes, approver grants, auditor reads the audit log.").
				among(RoleReader, RoleOperator, RoleApprover, RoleAuditor).must(),
			texts("certificates", "SHA-256 fingerprints of client certificates, lower-case hex.").atLeast(1),
			text("issuer", "Limits the entry to one of tokens.issuers."),
			texts("clientApplicationIds", "Values of azp, appid or client_id.").atLeast(1),
			texts("principals", "Values of oid, or sub where there is no oid.").atLeast(1),
			texts("groups", "Values of groups.").atLeast(1),
			texts("roles", "Values of roles.").atLeast(1),
		), "Who has which role. All conditions given have to hold, within one list any value is enough, and at least one is needed."),
	)
}

func acceptedFieldsField() field {
	return list("acceptedFields", object("", "",
		text("path", "FILE#FIELD.PATH, as the problem prints it.").must(),
		text("reason", "Why the site does without.").must(),
	), "Fields that are meant to protect, are not built, and that the owner of the site does without.")
}
