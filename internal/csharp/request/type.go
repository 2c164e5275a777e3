package request

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// The types of context.
var (
	contextType      = named("IContext")
	requestType      = named("IRequest")
	responseType     = named("IResponse")
	bodyType         = named("IMessageBody")
	urlType          = named("IUrl")
	apiType          = named("IApi")
	parameterNames   = named("ISubscriptionKeyParameterNames")
	backendType      = named("IBackend")
	operationType    = named("IOperation")
	deploymentType   = named("IDeployment")
	gatewayType      = named("IGateway")
	sustainability   = named("ISustainabilityInfo")
	productType      = named("IProduct")
	stateType        = named("ProductState")
	groupType        = named("IGroup")
	subscriptionType = named("ISubscription")
	userType         = named("IUser")
	identityType     = named("IUserIdentity")
	lastErrorType    = named("ILastError")
	workspaceType    = named("IWorkspace")
	foundryType      = named("IFoundry")
	graphQLType      = named("IGraphQL")
	endpointType     = named("IPrivateEndpointConnection")
	jwtType          = named("Jwt")
	basicType        = named("BasicAuthCredentials")
	authorization    = named("Authorization")
)

// readOnlyMap is IReadOnlyDictionary<TKey, TValue>, which headers, variables and
// claims are.
var readOnlyMap = clr.Named("System.Collections.Generic", "IReadOnlyDictionary", 2)

var types = []*clr.Type{readOnlyMap}

func named(name string) *clr.Type {
	t := clr.Named("", name, 0)
	types = append(types, t)
	return t
}

// ContextType is the type of "context".
func ContextType() *clr.Type { return contextType }

// Type is IContext.
func (*Context) Type() *clr.Type { return contextType }

// Type is IRequest.
func (*Request) Type() *clr.Type { return requestType }

// Type is IResponse.
func (*Response) Type() *clr.Type { return responseType }

// Type is IApi.
func (*API) Type() *clr.Type { return apiType }

// Type is IBackend.
func (*Backend) Type() *clr.Type { return backendType }

// Type is IOperation.
func (*Operation) Type() *clr.Type { return operationType }

// Type is IDeployment.
func (*Deployment) Type() *clr.Type { return deploymentType }

// Type is IProduct.
func (*Product) Type() *clr.Type { return productType }

// Type is IGroup.
func (*Group) Type() *clr.Type { return groupType }

// Type is ISubscription.
func (*Subscription) Type() *clr.Type { return subscriptionType }

// Type is IUser.
func (*User) Type() *clr.Type { return userType }

// Type is IUserIdentity.
func (*Identity) Type() *clr.Type { return identityType }

// Type is ILastError.
func (*LastError) Type() *clr.Type { return lastErrorType }

// Type is IWorkspace.
func (*Workspace) Type() *clr.Type { return workspaceType }

// Type is IFoundry.
func (*Foundry) Type() *clr.Type { return foundryType }

// Type is IGraphQL.
func (*GraphQL) Type() *clr.Type { return graphQLType }

// Type is IPrivateEndpointConnection.
func (*PrivateEndpointConnection) Type() *clr.Type { return endpointType }

// parts of objects that .NET has as objects of their own.
type (
	gatewayObject        struct{ *Deployment }
	sustainabilityObject struct{ *Deployment }
	namesObject          struct{ *API }
)

func (gatewayObject) Type() *clr.Type        { return gatewayType }
func (sustainabilityObject) Type() *clr.Type { return sustainability }
func (namesObject) Type() *clr.Type          { return parameterNames }
