using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.AspNetCore.Routing;

/// <summary>
/// A distinguished name as a list of parts. So <c>CN="a, O=b"</c> and <c>CN=a, O=b</c> differ, and the ASN.1 string type of a part does not matter.
/// </summary>
internal sealed class DistinguishedName : IEquatable<DistinguishedName>
{
    private readonly (string Oid, string Value)[] _parts;

    private DistinguishedName((string Oid, string Value)[] parts) => _parts = parts;

    /// <summary>Reads a name; null if a part has several attributes or a value that is not text.</summary>
    public static DistinguishedName? Read(X500DistinguishedName name)
    {
        try
        {
            var parts = new List<(string, string)>();
            foreach (X500RelativeDistinguishedName part in name.EnumerateRelativeDistinguishedNames(reversed: false))
            {
                if (part.HasMultipleElements || part.GetSingleElementValue() is not { } value)
                {
                    return null;
                }

                parts.Add((part.GetSingleElementType().Value ?? "", value));
            }

            return new DistinguishedName([.. parts]);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    public static bool TryParse(string? text, [NotNullWhen(true)] out DistinguishedName? name)
    {
        name = null;
        if (string.IsNullOrWhiteSpace(text))
        {
            return false;
        }

        try
        {
            name = Read(new X500DistinguishedName(text));
        }
        catch (CryptographicException)
        {
            return false;
        }

        return name is { _parts.Length: > 0 };
    }

    public bool Equals(DistinguishedName? other) => other is not null && _parts.AsSpan().SequenceEqual(other._parts);

    public override bool Equals(object? obj) => Equals(obj as DistinguishedName);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach ((string Oid, string Value) part in _parts)
        {
            hash.Add(part);
        }

        return hash.ToHashCode();
    }
}
