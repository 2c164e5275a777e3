package request

import (
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Context is "context". A nil pointer in it is null.
type Context struct {
	Request      *Request
	Response     *Response
	Variables    Variables
	API          *API
	Backend      *Backend
	Operation    *Operation
	Deployment   *Deployment
	Product      *Product
	Subscription *Subscription
	User         *User
	LastError    *LastError
	Workspace    *Workspace
	// GraphQLArguments and GraphQLParent are tokens of Json.NET; null outside a
	// resolver.
	GraphQL *GraphQL
	// RequestID is the gateway's id of the request, its bytes as RFC 9562 prints
	// them.
	RequestID [16]byte
	Timestamp time.Time
	// Elapsed says how long the request has been at work; nil: no time at all.
	Elapsed func() time.Duration
	// Trace takes what the expression traces; nil: nobody listens. Tracing says
	// whether a trace is being made.
	Trace   func(message string)
	Tracing bool

	variables *variablesObject
}

// Request is the request as policies have left it.
type Request struct {
	Method      string
	URL         *URL
	OriginalURL *URL
	Headers     Values
	// Body is nil for a request without one.
	Body Body
	// IPAddress of the caller; nil: unknown.
	IPAddress *string
	// MatchedParameters are those of the operation's template.
	MatchedParameters []Parameter
	// Certificate is the caller's, as an X509Certificate2; the zero Value: none.
	Certificate clr.Value
	Foundry     *Foundry
	// PrivateEndpointConnection is that over which the request came.
	PrivateEndpointConnection *PrivateEndpointConnection

	message
	parameters *parametersObject
}

// Parameter is a name and its value.
type Parameter struct{ Name, Value string }

// Response is the answer as policies have left it, or one that send-request got.
type Response struct {
	StatusCode   int
	StatusReason *string
	Headers      Values
	Body         Body

	message
}

// message is what requests and responses have made once of their parts.
type message struct {
	headers *valuesObject
	body    *bodyObject
}

// Values are the headers of a message, or the parameters of a query.
type Values interface {
	// Get gives the values of a name, in any case; they are not changed.
	Get(name string) ([]string, bool)
	// Each goes through all names until f is false.
	Each(f func(name string, values []string) bool)
	Len() int
}

// Body is the content of a message.
type Body interface {
	// Read gives all of it. Without preserve the body is empty afterwards. An
	// error is thrown as an InvalidOperationException.
	Read(preserve bool) ([]byte, error)
}

// Variables are the variables of the policies that have run.
type Variables interface {
	Get(name string) (clr.Value, bool)
	Each(f func(name string, v clr.Value) bool)
	Len() int
}

// API is the API that the request belongs to.
type API struct {
	ID, Name, Path, Version, Revision *string
	IsCurrentRevision                 bool
	ServiceURL                        *URL
	Protocols                         []string
	// Header and Query are the names under which a subscription key comes.
	Header, Query string
}

// Backend is the backend that the request goes to.
type Backend struct{ ID, Kind, AzureRegion *string }

// Operation is the operation of the API.
type Operation struct{ ID, Name, Method, URLTemplate *string }

// Deployment is where the gateway runs.
type Deployment struct {
	Region, ServiceName, ServiceID, GatewayID, InstanceID *string
	IsManaged                                             bool
	// CarbonIntensity is SustainabilityInfo.CurrentCarbonIntensity; nil: there is
	// no SustainabilityInfo.
	CarbonIntensity *string
	// Certificates are X509Certificate2 objects by their ids.
	Certificates Variables
	certificates *certificatesObject
}

// Product is the product that the subscription is for.
type Product struct {
	ID, Name                               *string
	Groups                                 []Group
	ApprovalRequired, SubscriptionRequired bool
	NotPublished                           bool
	// SubscriptionsLimit is nil for none.
	SubscriptionsLimit *int32
}

// Group is a group of users.
type Group struct{ ID, Name *string }

// Subscription is what the caller's key belongs to.
type Subscription struct {
	ID, Name, Key            *string
	PrimaryKey, SecondaryKey string
	CreatedDate              time.Time
	// StartDate and EndDate are nil where they are not set.
	StartDate, EndDate *time.Time
}

// User is who the subscription belongs to.
type User struct {
	ID, Email, FirstName, LastName, Note *string
	Groups                               []Group
	Identities                           []Identity
	RegistrationDate                     time.Time
}

// Identity is how a user signs in.
type Identity struct{ ID, Provider *string }

// LastError is what went wrong, in section on-error.
type LastError struct{ Source, Reason, Message, Scope, Section, Path, PolicyID *string }

// Workspace is the workspace that the API belongs to.
type Workspace struct{ ID, Name *string }

// Foundry is the deployment of a model that the request names.
type Foundry struct{ Deployment *string }

// GraphQL is what a resolver works on.
type GraphQL struct{ Arguments, Parent clr.Value }

// PrivateEndpointConnection is a connection over a private endpoint.
type PrivateEndpointConnection struct{ Name, GroupID, MemberName *string }
