using System.Security.Cryptography;
using System.Text;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>The bearer tokens. A lookup takes the same time for every token, so timing reveals nothing about the tokens.</summary>
internal sealed class TokenTable
{
    private readonly (string Identity, byte[] Hash)[] _tokens;

    public TokenTable(IDictionary<string, string> tokens) =>
        _tokens = [.. tokens.Select(pair => (pair.Key, SHA256.HashData(Encoding.UTF8.GetBytes(pair.Value))))];

    public bool TryFind(ReadOnlySpan<byte> token, out string? identity)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(token, hash);
        identity = null;
        foreach ((string candidate, byte[] candidateHash) in _tokens)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, candidateHash))
            {
                identity = candidate;
            }
        }

        return identity is not null;
    }
}
