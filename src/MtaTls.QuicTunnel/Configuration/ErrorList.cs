using System.Net;
using System.Text;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>Collects what is wrong with a configuration, each under its key.</summary>
internal sealed class ErrorList(string section)
{
    private readonly List<string> _errors = [];

    public IReadOnlyList<string> Errors => _errors;

    public void Add(string key, string message) => _errors.Add($"{section}:{key}: {message}");

    public void Range<T>(string key, T value, T least, T most) where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
        {
            Add(key, $"{value} is not from {least} to {most}.");
        }
    }

    public void Defined<T>(string key, T value) where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
        {
            Add(key, $"{value} is none of {string.Join(", ", Enum.GetNames<T>())}.");
        }
    }

    public void EndPoint(string key, string value)
    {
        if (!IPEndPoint.TryParse(value, out _) || !value.Contains(':'))
        {
            Add(key, $"'{value}' is not an end point such as 0.0.0.0:4433 or [::]:4433.");
        }
    }

    public bool Prefix(string key, string value, out IPNetwork network, out IPAddress address)
    {
        network = default;
        address = IPAddress.None;
        int slash = value.IndexOf('/');
        if (slash > 0 && IPAddress.TryParse(value.AsSpan(0, slash), out IPAddress? parsed) && int.TryParse(value.AsSpan(slash + 1), out int length)
            && length >= 0 && length <= parsed.GetAddressBytes().Length * 8 && !parsed.IsIPv4MappedToIPv6)
        {
            address = parsed;
            network = NetworkOf(parsed, length);
            return true;
        }

        Add(key, $"'{value}' is not an address with its prefix length such as 10.99.0.1/24 or fd99::1/64.");
        return false;
    }

    public void Utf8Length(string key, string? value, int least, int most)
    {
        int length = value is null ? 0 : Encoding.UTF8.GetByteCount(value);
        if (length < least || length > most)
        {
            Add(key, $"has {length} octets and needs {least} to {most}.");
        }
    }

    public void File(string key, string path)
    {
        if (!System.IO.File.Exists(path))
        {
            Add(key, $"there is no file '{path}'.");
        }
    }

    /// <summary>The network of an address, its host bits cleared.</summary>
    public static IPNetwork NetworkOf(IPAddress address, int length)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int bit = length; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return new IPNetwork(new IPAddress(bytes), length);
    }
}
