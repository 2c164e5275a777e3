// Requests, responses, bodies and URLs of a context, see world.cs.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Xml.Linq;
using Newtonsoft.Json.Linq;

class Url : IUrl
{
    readonly Uri uri;

    public Url(string text) { uri = new Uri(text); }
    public string Host { get { return uri.Host; } }
    public string Path { get { return uri.AbsolutePath; } }
    public int Port { get { return uri.Port; } }
    public string QueryString { get { return uri.Query; } }
    public string Scheme { get { return uri.Scheme; } }
    public override string ToString() { return uri.AbsoluteUri; }

    // Chosen: names in any case, values decoded as a form's, in their order.
    public IReadOnlyDictionary<string, string[]> Query { get { return Form.Read(uri.Query.TrimStart('?')).ToDictionary(p => p.Key, p => p.Value.ToArray(), StringComparer.OrdinalIgnoreCase); } }
}

static class Form
{
    public static IDictionary<string, IList<string>> Read(string text)
    {
        var form = new Dictionary<string, IList<string>>(StringComparer.OrdinalIgnoreCase);
        foreach (var pair in text.Split('&')) {
            if (pair == "") continue;
            var at = pair.IndexOf('=');
            var name = WebUtility.UrlDecode(at < 0 ? pair : pair.Substring(0, at));
            IList<string> values;
            if (!form.TryGetValue(name, out values)) form[name] = values = new List<string>();
            values.Add(at < 0 ? "" : WebUtility.UrlDecode(pair.Substring(at + 1)));
        }
        return form;
    }
}

class Request : IRequest
{
    public IMessageBody Body { get; private set; }
    public X509Certificate2 Certificate { get { return null; } }
    public IFoundry Foundry { get { return null; } }
    public IReadOnlyDictionary<string, string[]> Headers { get; private set; }
    public string IpAddress { get; private set; }
    public IReadOnlyDictionary<string, string> MatchedParameters { get; private set; }
    public string Method { get; private set; }
    public IUrl OriginalUrl { get; private set; }
    public IPrivateEndpointConnection PrivateEndpointConnection { get { return null; } }
    public IUrl Url { get; private set; }

    public Request(Node n)
    {
        Method = n.Text("method", "GET");
        var url = n.Text("url", "https://localhost/");
        Url = new Url(url);
        OriginalUrl = new Url(n.Text("originalUrl", url));
        Headers = Message.ReadHeaders(n);
        if (n.Has("body")) Body = new Body(n.Text("body"));
        IpAddress = n.Text("ipAddress");
        var matched = (JObject)n.Get("matchedParameters");
        MatchedParameters = matched == null ? new Dictionary<string, string>() : matched.Properties().ToDictionary(p => p.Name, p => (string)p.Value);
    }
}

class Message : IResponse
{
    public IMessageBody Body { get; private set; }
    public IReadOnlyDictionary<string, string[]> Headers { get; private set; }
    public int StatusCode { get; private set; }
    public string StatusReason { get; private set; }

    public static IResponse Read(Node n, string where)
    {
        var m = new Message { Headers = ReadHeaders(n), StatusCode = n.Has("statusCode") ? (int)n.Get("statusCode") : 200 };
        m.StatusReason = n.Text("statusReason", m.StatusCode == 200 ? "OK" : null);
        if (n.Has("body")) m.Body = new Body(n.Text("body"));
        n.Done(where);
        return m;
    }

    public static IReadOnlyDictionary<string, string[]> ReadHeaders(Node n)
    {
        var headers = new Dictionary<string, string[]>(StringComparer.OrdinalIgnoreCase);
        var given = (JObject)n.Get("headers");
        if (given != null) foreach (var p in given.Properties()) headers[p.Name] = p.Value.Select(v => (string)v).ToArray();
        return headers;
    }
}

class Body : IMessageBody
{
    string text;

    public Body(string text) { this.text = text; }

    // Chosen: what was read without preserveContent is empty afterwards.
    string Take(bool preserve)
    {
        var taken = text;
        if (!preserve) text = "";
        return taken;
    }

    public T As<T>(bool preserveContent = false)
    {
        var s = Take(preserveContent);
        object v;
        if (typeof(T) == typeof(string)) v = s;
        else if (typeof(T) == typeof(byte[])) v = Encoding.UTF8.GetBytes(s);
        else if (typeof(T) == typeof(JObject)) v = JObject.Parse(s);
        else if (typeof(T) == typeof(JArray)) v = JArray.Parse(s);
        else if (typeof(T) == typeof(JToken)) v = JToken.Parse(s);
        else if (typeof(T) == typeof(XElement) || typeof(T) == typeof(XNode)) v = XElement.Parse(s);
        else if (typeof(T) == typeof(XDocument)) v = XDocument.Parse(s);
        else throw new NotSupportedException("a body cannot be read as " + typeof(T));
        return (T)v;
    }

    public IDictionary<string, IList<string>> AsFormUrlEncodedContent(bool preserveContent = false) { return Form.Read(Take(preserveContent)); }
}
