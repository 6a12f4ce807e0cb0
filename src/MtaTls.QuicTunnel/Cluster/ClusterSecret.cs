using System.Security.Cryptography;
using System.Text;
using MtaTls.Configuration;

namespace MtaTls.QuicTunnel.Cluster;

/// <summary>The secret that the nodes of a cluster share. Each purpose has its own derived key, which reveals nothing about the others.</summary>
internal sealed class ClusterSecret(byte[] secret) : IDisposable
{
    public const int MinLength = 32, MaxLength = 1_024;

    private const int KeyLength = 32;

    /// <summary>Reads the secret from the options. Null if there is none, or if an error was added to <paramref name="errors"/>.</summary>
    public static ClusterSecret? Load(TunnelClusterOptions options, string key, ErrorList errors)
    {
        bool isFile = !string.IsNullOrEmpty(options.SecretPath);
        if (!options.IsSet)
        {
            return null;
        }

        if (isFile && !string.IsNullOrEmpty(options.Secret))
        {
            errors.Add($"{key}:SecretPath", "The secret comes from Secret or from SecretPath, not from both.");
            return null;
        }

        byte[] secret;
        try
        {
            secret = isFile ? ReadFile(options.SecretPath!) : Encoding.UTF8.GetBytes(options.Secret!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            errors.Add($"{key}:SecretPath", $"'{options.SecretPath}' cannot be read: {exception.Message}");
            return null;
        }

        if (secret.Length is >= MinLength and <= MaxLength)
        {
            return new ClusterSecret(secret);
        }

        // The error must not contain the secret.
        string length = secret.Length > MaxLength ? $"more than {MaxLength}" : $"{secret.Length}";
        CryptographicOperations.ZeroMemory(secret);
        errors.Add(isFile ? $"{key}:SecretPath" : $"{key}:Secret", $"The secret has {length} bytes and needs {MinLength} to {MaxLength}.");
        return null;
    }

    /// <summary>The key of a node's stateless resets (RFC 9000, section 10.3.2): the same after a restart and a certificate renewal, and different for each node.</summary>
    public byte[] StatelessResetKey(string node) => Derive($"mtatls quic tunnel stateless reset\0{node}");

    /// <summary>The key of Retry tokens, which is the same at every node.</summary>
    public byte[] RetryKey() => Derive("mtatls quic tunnel retry token");

    public void Dispose() => CryptographicOperations.ZeroMemory(secret);

    private static byte[] ReadFile(string path)
    {
        using FileStream file = File.OpenRead(path);
        byte[] content = new byte[MaxLength + 3]; // Room for a line break, and for one byte that is too many.
        try
        {
            ReadOnlySpan<byte> text = content.AsSpan(0, file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false));
            return text.TrimEnd("\r\n"u8).ToArray();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    private byte[] Derive(string purpose) => HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, KeyLength, info: Encoding.UTF8.GetBytes(purpose));
}
