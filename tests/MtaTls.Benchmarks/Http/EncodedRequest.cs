using System.Text;

namespace MtaTls.Benchmarks.Http;

/// <summary>The bytes of a request for both HTTP versions. They are encoded once, because encoding is not measured.</summary>
internal sealed class EncodedRequest
{
    private EncodedRequest(string method, string path, long contentLength)
    {
        string length = method == "POST" ? $"Content-Length: {contentLength}\r\n" : "";
        Http1 = Encoding.ASCII.GetBytes($"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n");

        // HPACK with the static table only: indexed method and scheme, path and authority literal without indexing.
        var fields = new List<byte> { method == "POST" ? (byte)0x83 : (byte)0x82, 0x87 };
        AddLiteral(fields, 0x04, path);
        AddLiteral(fields, 0x01, "localhost");
        Http2Fields = [.. fields];
    }

    public byte[] Http1 { get; }

    public byte[] Http2Fields { get; }

    public static EncodedRequest Get(string path) => new("GET", path, 0);

    public static EncodedRequest Post(string path, long contentLength) => new("POST", path, contentLength);

    private static void AddLiteral(List<byte> fields, byte index, string value)
    {
        fields.Add(index);
        fields.Add((byte)value.Length); // below 127: no continuation
        fields.AddRange(Encoding.ASCII.GetBytes(value));
    }
}
