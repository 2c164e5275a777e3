// Makes a context out of the JSON of a context file. Unknown members are
// errors, as in "cloister policy eval --context".
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Xml.Linq;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

// Node is one object of the context file.
class Node
{
    readonly JObject o;
    readonly HashSet<string> asked = new HashSet<string>();

    public Node(JToken t) { o = (JObject)t; }
    public JToken Get(string name) { asked.Add(name); JToken v; return o != null && o.TryGetValue(name, out v) ? v : null; }
    public bool Has(string name) { asked.Add(name); return o != null && o[name] != null; }
    public string Text(string name, string unset = null) { var v = Get(name); return v == null ? unset : (string)v; }
    public bool Flag(string name, bool unset = false) { var v = Get(name); return v == null ? unset : (bool)v; }
    public Node Child(string name) { return new Node(Get(name)); }
    public IEnumerable<Node> List(string name) { var v = Get(name); return v == null ? new Node[0] : v.Select(x => new Node(x)); }
    public void Done(string where) { if (o != null) foreach (var p in o.Properties()) if (!asked.Contains(p.Name)) throw new ArgumentException("unknown member " + where + p.Name); }
}

class World : IContext, IApi, ISubscriptionKeyParameterNames, IDeployment, IGateway, IOperation
{
    // Read parses JSON and leaves dates alone.
    public static JToken Read(string json)
    {
        var reader = new JsonTextReader(new StringReader(json)) { DateParseHandling = DateParseHandling.None };
        var token = JToken.ReadFrom(reader);
        while (reader.Read()) if (reader.TokenType != JsonToken.Comment) throw new JsonReaderException("text behind the JSON value");
        return token;
    }

    readonly Node api, operation, deployment;

    public World(string json)
    {
        var c = new Node(json == null ? new JObject() : Read(json));
        var request = c.Child("request");
        Request = new Request(request);
        request.Done("request.");
        if (c.Has("response")) Response = Message.Read(c.Child("response"), "response.");
        var variables = new Dictionary<string, object>();
        var given = (JObject)c.Get("variables");
        if (given != null) foreach (var p in given.Properties()) variables[p.Name] = Value(p.Value);
        Variables = variables;
        api = c.Child("api");
        Id = api.Text("id"); Name = api.Text("name"); Path = api.Text("path"); Version = api.Text("version"); Revision = api.Text("revision");
        IsCurrentRevision = api.Flag("isCurrentRevision");
        if (api.Has("serviceUrl")) ServiceUrl = new Url(api.Text("serviceUrl"));
        api.Done("api.");
        operation = c.Child("operation");
        foreach (var m in new[] { "id", "name", "method", "urlTemplate" }) operation.Text(m);
        operation.Done("operation.");
        deployment = c.Child("deployment");
        Region = deployment.Text("region"); ServiceName = deployment.Text("serviceName"); ServiceId = deployment.Text("serviceId"); GatewayId = deployment.Text("gatewayId");
        deployment.Done("deployment.");
        if (c.Has("product")) Product = new Product(c.Child("product"));
        if (c.Has("subscription")) Subscription = new Subscription(c.Child("subscription"));
        if (c.Has("user")) User = new User(c.Child("user"));
        if (c.Has("lastError")) LastError = new LastError(c.Child("lastError"));
        if (c.Has("requestId")) RequestId = Guid.Parse(c.Text("requestId"));
        if (c.Has("timestamp")) Timestamp = Moment(c.Text("timestamp"));
        if (c.Has("elapsed")) Elapsed = TimeSpan.Parse(c.Text("elapsed"), CultureInfo.InvariantCulture);
        c.Done("");
    }

    public static DateTime Moment(string text) { return DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind); }

    static object Value(JToken v)
    {
        switch (v.Type) {
        case JTokenType.Null: return null;
        case JTokenType.String: return (string)v;
        case JTokenType.Boolean: return (bool)v;
        case JTokenType.Float: return (double)v;
        case JTokenType.Integer: var n = (long)v; return n >= int.MinValue && n <= int.MaxValue ? (object)(int)n : n;
        }
        var typed = new Node(v);
        var value = typed.Get("value");
        var type = typed.Text("$type");
        typed.Done("variables: ");
        switch (type) {
        case "Newtonsoft.Json.Linq.JObject": return (JObject)value.DeepClone();
        case "Newtonsoft.Json.Linq.JArray": return (JArray)value.DeepClone();
        case "IResponse": return Message.Read(new Node(value), "variables: ");
        case "Jwt": return ((string)value).AsJwt();
        case "System.DateTime": return Moment((string)value);
        }
        throw new ArgumentException("unknown $type " + type);
    }

    public IApi Api { get { return this; } }
    public IBackend Backend { get { return null; } }
    public IDeployment Deployment { get { return this; } }
    public TimeSpan Elapsed { get; private set; }
    public IGraphQL GraphQL { get { return null; } }
    public ILastError LastError { get; private set; }
    public IOperation Operation { get { return this; } }
    public IProduct Product { get; private set; }
    public IRequest Request { get; private set; }
    public Guid RequestId { get; private set; }
    public IResponse Response { get; private set; }
    public ISubscription Subscription { get; private set; }
    public DateTime Timestamp { get; private set; }
    public bool Tracing { get { return false; } }
    public IUser User { get; private set; }
    public IReadOnlyDictionary<string, object> Variables { get; private set; }
    public IWorkspace Workspace { get { return null; } }
    void IContext.Trace(string message) { if (message == null) throw new ArgumentNullException("message"); }

    public string Id { get; private set; }
    public bool IsCurrentRevision { get; private set; }
    public string Name { get; private set; }
    public string Path { get; private set; }
    public IEnumerable<string> Protocols { get { return new[] { "https" }; } }
    public string Revision { get; private set; }
    public IUrl ServiceUrl { get; private set; }
    public ISubscriptionKeyParameterNames SubscriptionKeyParameterNames { get { return this; } }
    public string Version { get; private set; }
    public string Header { get { return "Ocp-Apim-Subscription-Key"; } }
    public string Query { get { return "subscription-key"; } }

    string IOperation.Id { get { return operation.Text("id"); } }
    string IOperation.Name { get { return operation.Text("name"); } }
    string IOperation.Method { get { return operation.Text("method"); } }
    string IOperation.UrlTemplate { get { return operation.Text("urlTemplate"); } }

    public IReadOnlyDictionary<string, X509Certificate2> Certificates { get { return new Dictionary<string, X509Certificate2>(); } }
    public IGateway Gateway { get { return this; } }
    public string GatewayId { get; private set; }
    public string Region { get; private set; }
    public string ServiceId { get; private set; }
    public string ServiceName { get; private set; }
    public ISustainabilityInfo SustainabilityInfo { get { return null; } }
    string IGateway.Id { get { return GatewayId; } }
    public string InstanceId { get { return null; } }
    public bool IsManaged { get { return false; } }
}

class Group : IGroup
{
    public string Id { get; private set; }
    public string Name { get; private set; }
    Group(Node n) { Id = n.Text("id"); Name = n.Text("name"); n.Done("groups: "); }
    public static IEnumerable<IGroup> Read(Node n) { return n.List("groups").Select(g => (IGroup)new Group(g)).ToList(); }
}

class Product : IProduct
{
    public bool ApprovalRequired { get { return false; } }
    public IEnumerable<IGroup> Groups { get; private set; }
    public string Id { get; private set; }
    public string Name { get; private set; }
    public ProductState State { get { return ProductState.Published; } }
    public int? SubscriptionsLimit { get { return null; } }
    public bool SubscriptionRequired { get { return true; } }
    public Product(Node n) { Id = n.Text("id"); Name = n.Text("name"); Groups = Group.Read(n); n.Done("product."); }
}

class Subscription : ISubscription
{
    public DateTime CreatedDate { get { return default(DateTime); } }
    public DateTime? EndDate { get { return null; } }
    public string Id { get; private set; }
    public string Key { get; private set; }
    public string Name { get; private set; }
    public string PrimaryKey { get; private set; }
    public string SecondaryKey { get; private set; }
    public DateTime? StartDate { get { return null; } }

    public Subscription(Node n)
    {
        Id = n.Text("id"); Name = n.Text("name"); Key = n.Text("key");
        PrimaryKey = n.Text("primaryKey", ""); SecondaryKey = n.Text("secondaryKey", "");
        n.Done("subscription.");
    }
}

class User : IUser
{
    class Identity : IUserIdentity { public string Id { get; set; } public string Provider { get; set; } }

    public string Email { get; private set; }
    public string FirstName { get; private set; }
    public IEnumerable<IGroup> Groups { get; private set; }
    public string Id { get; private set; }
    public IEnumerable<IUserIdentity> Identities { get; private set; }
    public string LastName { get; private set; }
    public string Note { get { return null; } }
    public DateTime RegistrationDate { get { return default(DateTime); } }

    public User(Node n)
    {
        Id = n.Text("id"); Email = n.Text("email"); FirstName = n.Text("firstName"); LastName = n.Text("lastName");
        Groups = Group.Read(n);
        Identities = n.List("identities").Select(i => (IUserIdentity)new Identity { Id = i.Text("id"), Provider = i.Text("provider") }).ToList();
        n.Done("user.");
    }
}

class LastError : ILastError
{
    public string Source { get; private set; }
    public string Reason { get; private set; }
    public string Message { get; private set; }
    public string Scope { get; private set; }
    public string Section { get; private set; }
    public string Path { get; private set; }
    public string PolicyId { get; private set; }

    public LastError(Node n)
    {
        Source = n.Text("source"); Reason = n.Text("reason"); Message = n.Text("message"); Scope = n.Text("scope");
        Section = n.Text("section"); Path = n.Text("path"); PolicyId = n.Text("policyId");
        n.Done("lastError.");
    }
}
