package site

// The tables below are the fields of the API versions up to 2024-05-01 of
// Microsoft.ApiManagement/service, and those of later previews that protect.

// documents are the types of documents of the artifacts folder, in the order
// of the documentation.
func documents() []document {
	return []document{
		apiDocument(), operationDocument(), productDocument(), backendDocument(), namedValueDocument(),
		fragmentDocument(), versionSetDocument(), subscriptionDocument(), groupDocument(), tagDocument(),
		gatewayDocument(), loggerDocument(), diagnosticDocument(), restrictionDocument(), linkDocument(),
	}
}

const (
	forPortal  = "The developer portal shows it."
	readOnly   = "Azure writes it."
	forImport  = "It steers an import into Azure."
	forAuditor = "Azure keeps it for audits; it changes no request."
)

func apiDocument() document {
	return document{"apiInformation.json", "API", envelope(concat([]azureField{
		act(kindText, "displayName", "Name in records and policies."),
		act(kindText, "path", "Path below the host."),
		act(kindText, "apiRevision", "Revision; 1 where not given."),
		act(kindBoolean, "isCurrent", "Whether requests without a revision get this one."),
		act(kindText, "apiVersion", "Version identifier."),
		act(kindText, "apiVersionSetId", "The version set; its last segment counts."),
		act(kindText, "serviceUrl", "Where requests go that no policy sends elsewhere."),
		act(kindBoolean, "subscriptionRequired", "Whether a subscription is required; true where not given."),
		{name: "subscriptionKeyParameterNames", kind: kindObject, doc: "Where the key comes.", fields: []azureField{
			act(kindText, "header", "Header; Ocp-Apim-Subscription-Key where not given."),
			act(kindText, "query", "Query parameter; subscription-key where not given."),
		}},
		act(kindList, "protocols", "https and wss. http and ws open nothing: callers are served encrypted."),
		act(kindText, "type", "http or websocket. An API of another type is refused, or, where acceptedFields lists the field, left out."),
		act(kindText, "apiType", "As type, in requests to Azure."),
		act(kindBoolean, "isOnline", "false is meant to close the API and is not built; true has no effect."),
	},
		protect("Tokens are asked for by callers: [token] in cloister.yaml; the policies validate-jwt and validate-azure-ad-token do not run yet; Azure's gateway does not check this field either.",
			"authenticationSettings"),
		inert(forPortal, "description", "apiRevisionDescription", "apiVersionDescription", "contact", "license", "termsOfServiceUrl"),
		inert("The document of the version set counts.", "apiVersionSet"),
		inert(forImport, "format", "value", "wsdlSelector", "translateRequiredQueryParameters", "sourceApiId"),
		inert(readOnly, "provisioningState"),
	)...)}
}

func operationDocument() document {
	return document{"operationInformation.json", "Operation", envelope(concat([]azureField{
		act(kindText, "displayName", "Name in records."),
		act(kindText, "method", "HTTP method."),
		act(kindText, "urlTemplate", "Template below the API's path."),
	},
		inert("Requests are matched by method and template.", "templateParameters"),
		inert(forPortal, "description", "request", "responses"),
		protect("Policies of an operation stand in its policy.xml.", "policies"),
	)...)}
}

func productDocument() document {
	return document{"productInformation.json", "Product", envelope(concat([]azureField{
		act(kindText, "displayName", "Name in records and policies."),
		act(kindText, "state", "Only a published product opens its APIs."),
		act(kindBoolean, "subscriptionRequired", "Whether a subscription is required; true where not given."),
		act(kindBoolean, "approvalRequired", "Kept for the commands that manage subscriptions."),
	},
		inert(forPortal, "description", "terms"),
		inert("The developer portal limits how many subscriptions one user may ask for.", "subscriptionsLimit"),
		protect("Products by Entra application are not built; callers by token are configured in cloister.yaml.",
			"authenticationType", "application"),
	)...)}
}

func backendDocument() document {
	return document{"backendInformation.json", "Backend", envelope(concat([]azureField{
		act(kindText, "url", "Where the backend is."),
		act(kindText, "type", "Single or Pool."),
		act(kindText, "protocol", "http; soap is refused."),
		{name: "pool", kind: kindObject, doc: "Members of a pool.", fields: concat([]azureField{
			{name: "services", kind: kindList, doc: "The members.", elem: []azureField{
				act(kindText, "id", "A backend; its last segment counts."),
				act(kindNumber, "priority", "0 to 100; the lowest is tried first."),
				act(kindNumber, "weight", "0 to 100; the share within a priority; 1 where not given."),
			}},
			{name: "sessionAffinity", kind: kindObject, doc: "Requests of one session go to one member.", fields: []azureField{
				{name: "sessionId", kind: kindObject, doc: "How sessions are told apart.", fields: []azureField{
					act(kindText, "source", "Cookie."),
					act(kindText, "name", "The name of the cookie."),
				}},
			}},
		}, inert("Where every member is out of use, the answer is 503.", "failureResponse"))},
		{name: "credentials", kind: kindObject, doc: "What is sent along.", fields: concat([]azureField{
			act(kindObject, "header", "Header names and their values; {{named values}} are put in."),
			act(kindObject, "query", "Query parameters and their values."),
			{name: "authorization", kind: kindObject, doc: "The Authorization header.", fields: []azureField{
				act(kindText, "scheme", "Its scheme."), act(kindText, "parameter", "Its parameter."),
			}},
		}, protect("Client certificates for backends are not built.", "certificate", "certificateIds"),
			protect("Managed identities are configured in cloister.yaml, backends.ID.credential.", "managedIdentity"))},
		{name: "tls", kind: kindObject, doc: "Checks of the backend's certificate.", fields: concat([]azureField{
			act(kindBoolean, "validateCertificateChain", "true where not given."),
			act(kindBoolean, "validateCertificateName", "true where not given."),
		}, protect("Pinning is not built; a CA of its own is configured in cloister.yaml, backends.ID.caFile.",
			"serverX509Names", "serverCertificateThumbprints"))},
		breakerField(),
	},
		protect("The gateway uses no proxy on its way out.", "proxy"),
		protect("Service Fabric is not supported.", "properties"),
		inert(forPortal, "title", "description"),
		inert("It names the resource behind the URL.", "resourceId", "azureRegion"),
	)...)}
}

func breakerField() azureField {
	return azureField{name: "circuitBreaker", kind: kindObject, doc: "When the backend is left alone for a while.", fields: []azureField{
		{name: "rules", kind: kindList, doc: "One rule.", elem: []azureField{
			act(kindText, "name", "Its name, for records."),
			act(kindText, "tripDuration", "How long the backend is left alone, as ISO 8601 has it: PT1M."),
			act(kindBoolean, "acceptRetryAfter", "Whether the backend's Retry-After counts in the place of tripDuration; false where not given."),
			{name: "failureCondition", kind: kindObject, doc: "What trips it.", fields: []azureField{
				act(kindNumber, "count", "So many failures within the interval, 1 to 10000."),
				act(kindNumber, "percentage", "So many of 100 requests within the interval, 1 to 100."),
				act(kindText, "interval", "As ISO 8601 has it: PT1M."),
				act(kindList, "statusCodeRanges", "Statuses that are failures, each with min and max."),
				act(kindList, "errorReasons", "Reasons that are failures: BackendConnectionFailure, Timeout, or Server errors for both."),
			}},
		}},
	}}
}

func namedValueDocument() document {
	return document{"namedValueInformation.json", "Named value", envelope(concat([]azureField{
		act(kindText, "displayName", "The name in {{…}}."),
		act(kindText, "value", "The value."),
		act(kindBoolean, "secret", "Whether the value is kept out of records and messages."),
		{name: "keyVault", kind: kindObject, doc: "Where the value rests in Azure Key Vault; cloister.yaml says how vaults are reached.", fields: concat([]azureField{
			act(kindText, "secretIdentifier", "The secret's URL."),
		}, inert("Key Vault is not read.", "identityClientId"), inert(readOnly, "lastStatus"))},
	},
		inert("They filter lists in the portal.", "tags"), inert(readOnly, "provisioningState"),
	)...)}
}

func fragmentDocument() document {
	return document{"policyFragmentInformation.json", "Policy fragment", envelope(concat([]azureField{
		act(kindText, "value", "The fragment, where there is no policy.xml."),
		act(kindText, "format", "rawxml or xml, for value."),
	}, inert(forPortal, "description"), inert(readOnly, "provisioningState"))...)}
}

func versionSetDocument() document {
	return document{"versionSetInformation.json, apiVersionSetInformation.json", "Version set", envelope(concat([]azureField{
		act(kindText, "displayName", "Name in messages."),
		act(kindText, "versioningScheme", "Segment, Query or Header."),
		act(kindText, "versionQueryName", "Query parameter of the scheme Query."),
		act(kindText, "versionHeaderName", "Header of the scheme Header."),
	}, inert(forPortal, "description"))...)}
}

func subscriptionDocument() document {
	return document{"subscriptionInformation.json", "Subscription", envelope(concat([]azureField{
		act(kindText, "displayName", "Name in records and policies."),
		act(kindText, "scope", "/apis, /apis/ID or /products/ID; what stands before is dropped."),
		act(kindText, "state", "Only active subscriptions open anything; submitted where not given."),
		act(kindText, "primaryKey", "Refused: keys stand in no document."),
		act(kindText, "secondaryKey", "Refused: keys stand in no document."),
	},
		inert("Traces are not given to callers.", "allowTracing"),
		inert(forPortal, "ownerId", "stateComment"),
		inert(forAuditor, "createdDate", "startDate", "endDate", "expirationDate", "notificationDate"),
	)...)}
}

func groupDocument() document {
	return document{"groupInformation.json", "Group", envelope(concat([]azureField{
		act(kindText, "displayName", "Name in messages."),
	}, inert("Groups decide who sees a product in the developer portal.", "description", "type", "externalId", "builtIn"))...)}
}

func tagDocument() document {
	return document{"tagInformation.json", "Tag", envelope(
		act(kindText, "displayName", "Name in messages."),
	)}
}

func gatewayDocument() document {
	return document{"gatewayInformation.json", "Self-hosted gateway", envelope(
		inert("This gateway serves every API of the folder.", "description", "locationData")...,
	)}
}

func loggerDocument() document {
	return document{"loggerInformation.json", "Logger", envelope(concat([]azureField{
		act(kindText, "loggerType", "azureEventHub is one that log-to-eventhub may name."),
		act(kindObject, "credentials", "Of an event hub: name, and connectionString or endpointAddress with identityClientId; {{named values}} are put in. Others have no effect: where records go stands in cloister.yaml, telemetry."),
	}, inert("Events leave in the order in which they came, together where several wait.", "description", "isBuffered", "resourceId"))...)}
}

func diagnosticDocument() document {
	return document{"diagnosticInformation.json", "Diagnostic", envelope(concat([]azureField{
		act(kindText, "loggerId", "Kept by name."),
	}, inert("What is recorded stands in cloister.yaml, telemetry; headers and bodies are in no record.",
		"alwaysLog", "backend", "frontend", "httpCorrelationProtocol", "logClientIp", "metrics",
		"operationNameFormat", "sampling", "verbosity", "enableHttpCorrelationHeaders", "largeLanguageModel"))...)}
}

func restrictionDocument() document {
	return document{"policyRestrictionInformation.json", "Policy restriction", envelope(
		protect("Policy restrictions are not built.", "requireBase", "scope")...,
	)}
}

func linkDocument() document {
	return document{"productApiInformation.json, productGroupInformation.json, gatewayApiInformation.json, tagApiInformation.json, tagProductInformation.json",
		"Link", envelope(inert("The folder's name is the link.", "apiId", "groupId", "productId", "provisioningState")...)}
}
