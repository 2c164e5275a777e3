// The extension methods that expressions may call, see context.cs.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

public static class ContextExtensions
{
    // Headers, query parameters and claims: several values are joined by commas.
    public static string GetValueOrDefault(this IReadOnlyDictionary<string, string[]> values, string name) { return values.GetValueOrDefault(name, null); }

    public static string GetValueOrDefault(this IReadOnlyDictionary<string, string[]> values, string name, string defaultValue)
    {
        string[] found;
        return values.TryGetValue(name, out found) ? string.Join(",", found) : defaultValue;
    }

    // Variables: the cast throws on a value of another type.
    public static T GetValueOrDefault<T>(this IReadOnlyDictionary<string, object> values, string name, T defaultValue = default(T))
    {
        object found;
        return values.TryGetValue(name, out found) ? (T)found : defaultValue;
    }

    // Published policies call it without a type argument and without a default.
    // Chosen: the value then is an object.
    public static object GetValueOrDefault(this IReadOnlyDictionary<string, object> values, string name) { return values.GetValueOrDefault<object>(name, null); }

    public static string GetValueOrDefault(this IReadOnlyDictionary<string, string> values, string name, string defaultValue = null)
    {
        string found;
        return values.TryGetValue(name, out found) ? found : defaultValue;
    }

    public static Uri ToUri(this IUrl url) { return new Uri(url.ToString()); }

    public static BasicAuthCredentials AsBasic(this string input)
    {
        BasicAuthCredentials found;
        return input.TryParseBasic(out found) ? found : null;
    }

    // "Basic" and base64 of user:password. Chosen: the scheme in any case, UTF-8.
    public static bool TryParseBasic(this string input, out BasicAuthCredentials credentials)
    {
        credentials = null;
        if (input == null) return false;
        var parts = input.Trim().Split(new[] { ' ' }, 2);
        if (parts.Length != 2 || !parts[0].Equals("Basic", StringComparison.OrdinalIgnoreCase)) return false;
        string text;
        try { text = new UTF8Encoding(false, true).GetString(Convert.FromBase64String(parts[1].Trim())); }
        catch (FormatException) { return false; }
        catch (ArgumentException) { return false; }
        var colon = text.IndexOf(':');
        if (colon < 0) return false;
        credentials = new BasicAuthCredentials { UserId = text.Substring(0, colon), Password = text.Substring(colon + 1) };
        return true;
    }

    public static Jwt AsJwt(this string input)
    {
        Jwt found;
        return input.TryParseJwt(out found) ? found : null;
    }

    // Three parts, of which two are JSON objects; nothing is verified. Chosen:
    // every claim stands in Claims, an array as several values, an object as its
    // JSON text.
    public static bool TryParseJwt(this string input, out Jwt token)
    {
        token = null;
        if (input == null) return false;
        var parts = input.Split('.');
        if (parts.Length != 3) return false;
        JObject header, payload;
        try {
            header = Part(parts[0]);
            payload = Part(parts[1]);
        } catch (FormatException) { return false; } catch (ArgumentException) { return false; } catch (JsonException) { return false; }
        var claims = new Dictionary<string, string[]>();
        foreach (var p in payload.Properties())
            claims[p.Name] = p.Value is JArray ? p.Value.Select(Text).ToArray() : new[] { Text(p.Value) };
        token = new Jwt {
            Algorithm = (string)header["alg"], Type = (string)header["typ"], Claims = claims,
            Audiences = claims.ContainsKey("aud") ? claims["aud"] : new string[0],
            Id = (string)payload["jti"], Issuer = (string)payload["iss"], Subject = (string)payload["sub"],
            ExpirationTime = Moment(payload["exp"]), IssuedAt = Moment(payload["iat"]), NotBefore = Moment(payload["nbf"]),
        };
        return true;
    }

    static JObject Part(string text)
    {
        text = text.Replace('-', '+').Replace('_', '/');
        text += new string('=', (4 - text.Length % 4) % 4);
        return (JObject)World.Read(new UTF8Encoding(false, true).GetString(Convert.FromBase64String(text)));
    }

    static string Text(JToken v)
    {
        if (v.Type == JTokenType.String) return (string)v;
        return v.ToString(Formatting.None);
    }

    static DateTime? Moment(JToken seconds)
    {
        if (seconds == null || seconds.Type != JTokenType.Integer && seconds.Type != JTokenType.Float) return null;
        return new DateTime(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddSeconds((double)seconds);
    }

    public static byte[] Encrypt(this byte[] input, string alg, byte[] key, byte[] iv) { return Run(input, SymmetricAlgorithm.Create(alg).CreateEncryptor(key, iv)); }
    public static byte[] Encrypt(this byte[] input, SymmetricAlgorithm alg) { return Run(input, alg.CreateEncryptor()); }
    public static byte[] Encrypt(this byte[] input, SymmetricAlgorithm alg, byte[] key, byte[] iv) { return Run(input, alg.CreateEncryptor(key, iv)); }
    public static byte[] Decrypt(this byte[] input, string alg, byte[] key, byte[] iv) { return Run(input, SymmetricAlgorithm.Create(alg).CreateDecryptor(key, iv)); }
    public static byte[] Decrypt(this byte[] input, SymmetricAlgorithm alg) { return Run(input, alg.CreateDecryptor()); }
    public static byte[] Decrypt(this byte[] input, SymmetricAlgorithm alg, byte[] key, byte[] iv) { return Run(input, alg.CreateDecryptor(key, iv)); }

    static byte[] Run(byte[] input, ICryptoTransform transform) { using (transform) return transform.TransformFinalBlock(input, 0, input.Length); }

    public static bool VerifyNoRevocation(this X509Certificate2 certificate)
    {
        var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    public static string ToQueryString(this IDictionary<string, IList<string>> form) { return "?" + form.ToFormUrlEncodedContent(); }

    // Chosen: names and values as WebUtility.UrlEncode writes them, in the order
    // of the dictionary; ToQueryString with the question mark.
    public static string ToFormUrlEncodedContent(this IDictionary<string, IList<string>> form)
    {
        return string.Join("&", form.SelectMany(p => p.Value.Select(v => WebUtility.UrlEncode(p.Key) + "=" + WebUtility.UrlEncode(v))));
    }
}
