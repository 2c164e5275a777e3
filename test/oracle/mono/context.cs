// The world that an expression sees: what the reference page of Azure API
// Management documents of "context", the types that it hands out and the
// extension methods. Where the page is silent the choice is ours and the
// comment begins with "Chosen".
using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography.X509Certificates;
using System.Xml.Linq;
using Newtonsoft.Json.Linq;

public interface IContext
{
    IApi Api { get; }
    IBackend Backend { get; }
    IDeployment Deployment { get; }
    TimeSpan Elapsed { get; }
    IGraphQL GraphQL { get; }
    ILastError LastError { get; }
    IOperation Operation { get; }
    IProduct Product { get; }
    IRequest Request { get; }
    Guid RequestId { get; }
    IResponse Response { get; }
    ISubscription Subscription { get; }
    DateTime Timestamp { get; }
    bool Tracing { get; }
    IUser User { get; }
    IReadOnlyDictionary<string, object> Variables { get; }
    IWorkspace Workspace { get; }
    void Trace(string message);
}

public interface IApi
{
    string Id { get; }
    bool IsCurrentRevision { get; }
    string Name { get; }
    string Path { get; }
    IEnumerable<string> Protocols { get; }
    string Revision { get; }
    IUrl ServiceUrl { get; }
    ISubscriptionKeyParameterNames SubscriptionKeyParameterNames { get; }
    string Version { get; }
}

public interface ISubscriptionKeyParameterNames { string Header { get; } string Query { get; } }
public interface IBackend { string AzureRegion { get; } string Id { get; } string Type { get; } }
public interface IGateway { string Id { get; } string InstanceId { get; } bool IsManaged { get; } }
public interface ISustainabilityInfo { string CurrentCarbonIntensity { get; } }
public interface IGraphQL { JObject GraphQLArguments { get; } JToken Parent { get; } }
public interface IGroup { string Id { get; } string Name { get; } }
public interface IUserIdentity { string Id { get; } string Provider { get; } }
public interface IWorkspace { string Id { get; } string Name { get; } }
public interface IFoundry { string Deployment { get; } }
public interface IPrivateEndpointConnection { string Name { get; } string GroupId { get; } string MemberName { get; } }
public enum ProductState { NotPublished, Published }

public interface IDeployment
{
    IReadOnlyDictionary<string, X509Certificate2> Certificates { get; }
    IGateway Gateway { get; }
    string GatewayId { get; }
    string Region { get; }
    string ServiceId { get; }
    string ServiceName { get; }
    ISustainabilityInfo SustainabilityInfo { get; }
}

public interface ILastError
{
    string Source { get; }
    string Reason { get; }
    string Message { get; }
    string Scope { get; }
    string Section { get; }
    string Path { get; }
    string PolicyId { get; }
}

public interface IOperation { string Id { get; } string Method { get; } string Name { get; } string UrlTemplate { get; } }

public interface IProduct
{
    bool ApprovalRequired { get; }
    IEnumerable<IGroup> Groups { get; }
    string Id { get; }
    string Name { get; }
    ProductState State { get; }
    int? SubscriptionsLimit { get; }
    bool SubscriptionRequired { get; }
}

public interface IRequest
{
    IMessageBody Body { get; }
    X509Certificate2 Certificate { get; }
    IFoundry Foundry { get; }
    IReadOnlyDictionary<string, string[]> Headers { get; }
    string IpAddress { get; }
    IReadOnlyDictionary<string, string> MatchedParameters { get; }
    string Method { get; }
    IUrl OriginalUrl { get; }
    IPrivateEndpointConnection PrivateEndpointConnection { get; }
    IUrl Url { get; }
}

public interface IResponse
{
    IMessageBody Body { get; }
    IReadOnlyDictionary<string, string[]> Headers { get; }
    int StatusCode { get; }
    string StatusReason { get; }
}

public interface ISubscription
{
    DateTime CreatedDate { get; }
    DateTime? EndDate { get; }
    string Id { get; }
    string Key { get; }
    string Name { get; }
    string PrimaryKey { get; }
    string SecondaryKey { get; }
    DateTime? StartDate { get; }
}

public interface IUrl
{
    string Host { get; }
    string Path { get; }
    int Port { get; }
    IReadOnlyDictionary<string, string[]> Query { get; }
    string QueryString { get; }
    string Scheme { get; }
}

public interface IUser
{
    string Email { get; }
    string FirstName { get; }
    IEnumerable<IGroup> Groups { get; }
    string Id { get; }
    IEnumerable<IUserIdentity> Identities { get; }
    string LastName { get; }
    string Note { get; }
    DateTime RegistrationDate { get; }
}

public interface IMessageBody
{
    T As<T>(bool preserveContent = false);
    IDictionary<string, IList<string>> AsFormUrlEncodedContent(bool preserveContent = false);
}

public class BasicAuthCredentials
{
    internal BasicAuthCredentials() { }
    public string UserId { get; internal set; }
    public string Password { get; internal set; }
}

public class Jwt
{
    internal Jwt() { }
    public string Algorithm { get; internal set; }
    public IEnumerable<string> Audiences { get; internal set; }
    public IReadOnlyDictionary<string, string[]> Claims { get; internal set; }
    public DateTime? ExpirationTime { get; internal set; }
    public string Id { get; internal set; }
    public DateTime? IssuedAt { get; internal set; }
    public string Issuer { get; internal set; }
    public DateTime? NotBefore { get; internal set; }
    public string Subject { get; internal set; }
    public string Type { get; internal set; }
}

// What get-authorization-context puts into a variable.
public class Authorization
{
    internal Authorization() { }
    public string AccessToken { get; internal set; }
    public IReadOnlyDictionary<string, object> Claims { get; internal set; }
}
