using System.Buffers.Binary;
using System.Net.Security;
using System.Runtime.InteropServices;
using System.Security.Authentication;

namespace MtaTls.Tls.OpenSsl;

/// <summary>
/// The machine's TLS policy: the section that <c>system_default</c> names in OpenSSL's configuration file. SslStream follows it too. OpenSSL applies it to each
/// new context. The engine only narrows it: it never negotiates versions, cipher suites or groups that the policy does not allow.
/// </summary>
internal sealed unsafe class MachinePolicy
{
    // Only cipher suites with forward secrecy and authenticated encryption. Those of TLS 1.3 all have both.
    private const string StrongTls12CipherSuites = "ECDHE+AESGCM:ECDHE+CHACHA20";

    // OpenSSL's default groups without finite-field groups: a key exchange with ffdhe8192 costs a server about 15 ms, and a hostile client that sends any number as its share almost nothing.
    // The first list that this OpenSSL understands is used: for 3.5 and later; for 3.0 and later; without the curves that FIPS does not allow.
    private static readonly string[] s_preferredGroups = ["?*X25519MLKEM768 / ?*X25519:?secp256r1 / ?X448:?secp384r1:?secp521r1", "X25519:P-256:X448:P-521:P-384", "P-256:P-384:P-521"];

    // The groups that cost a server little, by their number on the wire.
    private static readonly Dictionary<ushort, string> s_groupNames = new()
    {
        [0x0017] = "P-256",
        [0x0018] = "P-384",
        [0x0019] = "P-521",
        [0x001A] = "brainpoolP256r1",
        [0x001B] = "brainpoolP384r1",
        [0x001C] = "brainpoolP512r1",
        [0x001D] = "X25519",
        [0x001E] = "X448",
        [0x001F] = "brainpoolP256r1tls13",
        [0x0020] = "brainpoolP384r1tls13",
        [0x0021] = "brainpoolP512r1tls13",
        [0x0200] = "MLKEM512",
        [0x0201] = "MLKEM768",
        [0x0202] = "MLKEM1024",
        [0x11EB] = "SecP256r1MLKEM768",
        [0x11EC] = "X25519MLKEM768",
        [0x11ED] = "SecP384r1MLKEM1024",
    };

    // Without TLS_AES_128_CCM_8_SHA256, whose authentication tag is short.
    private static readonly Dictionary<ushort, string> s_tls13CipherSuites = new()
    {
        [0x1301] = "TLS_AES_128_GCM_SHA256",
        [0x1302] = "TLS_AES_256_GCM_SHA384",
        [0x1303] = "TLS_CHACHA20_POLY1305_SHA256",
        [0x1304] = "TLS_AES_128_CCM_SHA256",
    };

    private static readonly Lazy<MachinePolicy> s_current = new(static () => new MachinePolicy());

    private readonly Dictionary<ushort, string> _strongTls12Suites;
    private readonly string? _tls12Suites;
    private readonly bool _hasTls13Suites;
    private readonly string? _groups;
    private readonly SslProtocols _notTurnedOff;
    private readonly SslProtocols _withinBounds;

    private MachinePolicy()
    {
        using var context = new SslContextHandle(server: false);
        nint ctx = context.DangerousGetHandle();
        int min = LibSsl.SSL_CTX_ctrl(ctx, LibSsl.CtrlGetMinProtocol, 0, 0), max = LibSsl.SSL_CTX_ctrl(ctx, LibSsl.CtrlGetMaxProtocol, 0, 0);
        ulong options = LibSsl.SSL_CTX_get_options(ctx);
        _notTurnedOff = ((options & LibSsl.OptionNoTls12) == 0 ? SslProtocols.Tls12 : 0) | ((options & LibSsl.OptionNoTls13) == 0 ? SslProtocols.Tls13 : 0);
        _withinBounds = (IsWithin(LibSsl.Tls12, min, max) ? SslProtocols.Tls12 : 0) | (IsWithin(LibSsl.Tls13, min, max) ? SslProtocols.Tls13 : 0);
        OrderedDictionary<ushort, string> allowed = CipherSuites(ctx);
        OpenSslErrors.ThrowIf(LibSsl.SSL_CTX_set_cipher_list(ctx, StrongTls12CipherSuites) != 1, "SSL_CTX_set_cipher_list");
        _strongTls12Suites = CipherSuites(ctx).Where(static s => !IsTls13(s.Key)).ToDictionary();
        _tls12Suites = Join(allowed.Keys, _strongTls12Suites);
        _hasTls13Suites = allowed.Keys.Any(IsTls13);
        _groups = CheapGroups();
    }

    /// <summary>The policy of this process. OpenSSL must be loaded.</summary>
    public static MachinePolicy Current => s_current.Value;

    /// <summary>Chooses what a context can negotiate: only what both the policy and the engine allow.</summary>
    /// <param name="enabled">The versions that the application sets. As with SslStream, they override MinProtocol and MaxProtocol of the policy.</param>
    /// <param name="suites">The cipher suites that the application sets. As with SslStream, they override CipherString and Ciphersuites of the policy. Null for the policy's.</param>
    public AllowedTls Choose(SslProtocols enabled, CipherSuitesPolicy? suites)
    {
#pragma warning disable CA1416 // On Windows an application cannot create a CipherSuitesPolicy.
        ushort[]? named = suites?.AllowedCipherSuites.Select(static s => (ushort)s).ToArray();
#pragma warning restore CA1416
        string? tls12 = named is null ? _tls12Suites : Join(named, _strongTls12Suites), tls13 = named is null ? null : Join(named, s_tls13CipherSuites);
        SslProtocols versions = _notTurnedOff & (enabled == SslProtocols.None ? _withinBounds : enabled)
            & ((tls12 is null ? 0 : SslProtocols.Tls12) | ((named is null ? _hasTls13Suites : tls13 is not null) ? SslProtocols.Tls13 : 0));
        string? obstacle = _groups is null ? "the machine's TLS policy (system_default in openssl.cnf) allows no key exchange over elliptic curves, which MTA-TLS needs."
            : versions == SslProtocols.None ? $"{(named is null ? "" : "CipherSuitesPolicy and ")}the machine's TLS policy (system_default in openssl.cnf) {(named is null ? "allows" : "allow")} neither TLS 1.3 nor a cipher suite of TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305."
            : null;
        return new AllowedTls(versions, tls12, tls13, _groups, obstacle);
    }

    private static bool IsWithin(int version, int min, int max) => (min == 0 || version >= min) && (max == 0 || version <= max);

    private static bool IsTls13(ushort suite) => suite >> 8 == 0x13;

    private static string? Join(IEnumerable<ushort> suites, Dictionary<ushort, string> names)
    {
        string joined = string.Join(':', suites.Where(names.ContainsKey).Select(suite => names[suite]));
        return joined.Length == 0 ? null : joined;
    }

    /// <summary>Returns a context's cipher suites by their number on the wire, in their order.</summary>
    private static OrderedDictionary<ushort, string> CipherSuites(nint ctx)
    {
        OrderedDictionary<ushort, string> suites = [];
        nint stack = LibSsl.SSL_CTX_get_ciphers(ctx);
        for (int i = 0; i < LibSsl.OPENSSL_sk_num(stack); i++)
        {
            nint cipher = LibSsl.OPENSSL_sk_value(stack, i);
            suites.TryAdd(LibSsl.SSL_CIPHER_get_protocol_id(cipher), Marshal.PtrToStringUTF8((nint)LibSsl.SSL_CIPHER_get_name(cipher))!);
        }

        return suites;
    }

    private static string? CheapGroups()
    {
        List<ushort> policy = OfferedGroups(null);
        List<ushort> allowed = [.. policy.Where(s_groupNames.ContainsKey)];
        string? preferred = Array.Find(s_preferredGroups, static groups => OfferedGroups(groups).Count > 0);
        return allowed.Count == 0 ? null
            : preferred is not null && allowed.SequenceEqual(OfferedGroups(preferred)) ? preferred
            : string.Join(':', allowed.Select(static g => s_groupNames[g]));
    }

    /// <summary>
    /// Returns the groups that a client offers. OpenSSL has no function for a context's groups, but its ClientHello has them in their order. The result is empty when OpenSSL does not understand
    /// the list, or when no version is allowed.
    /// </summary>
    /// <param name="groups">A list to set; null for the policy's.</param>
    private static List<ushort> OfferedGroups(string? groups)
    {
        using var context = new SslContextHandle(server: false);
        nint ctx = context.DangerousGetHandle();
        if ((groups is not null && !SslContexts.SetGroups(ctx, groups))
            || LibSsl.SSL_CTX_ctrl(ctx, LibSsl.CtrlSetMinProtocol, LibSsl.Tls12, 0) != 1
            || LibSsl.SSL_CTX_ctrl(ctx, LibSsl.CtrlSetMaxProtocol, LibSsl.Tls13, 0) != 1
            || LibSsl.SSL_CTX_set_cipher_list(ctx, StrongTls12CipherSuites) != 1)
        {
            LibSsl.ERR_clear_error();
            return [];
        }

        using var ssl = new SslHandle(context);
        nint output = LibSsl.BIO_new(LibSsl.BIO_s_mem());
        LibSsl.SSL_set_bio(ssl.DangerousGetHandle(), LibSsl.BIO_new(LibSsl.BIO_s_mem()), output);
        LibSsl.SSL_set_connect_state(ssl.DangerousGetHandle());
        _ = LibSsl.SSL_do_handshake(ssl.DangerousGetHandle());
        LibSsl.ERR_clear_error();
        byte[] hello = new byte[16 * 1024];
        fixed (byte* start = hello)
        {
            return ReadGroups(hello.AsSpan(0, Math.Max(0, LibSsl.BIO_read(output, start, hello.Length))));
        }
    }

    /// <summary>Returns the supported_groups (extension 10) of a ClientHello in one record.</summary>
    private static List<ushort> ReadGroups(ReadOnlySpan<byte> record)
    {
        const int RecordHeader = 5, MessageHeader = 4, VersionAndRandom = 2 + 32;
        List<ushort> groups = [];
        if (record.Length < RecordHeader + MessageHeader + VersionAndRandom)
        {
            return groups;
        }

        ReadOnlySpan<byte> rest = record[(RecordHeader + MessageHeader + VersionAndRandom)..];
        rest = rest[(1 + rest[0])..];
        rest = rest[(2 + BinaryPrimitives.ReadUInt16BigEndian(rest))..];
        rest = rest[(1 + rest[0])..];
        for (rest = rest[2..]; rest.Length >= 4; rest = rest[(4 + BinaryPrimitives.ReadUInt16BigEndian(rest[2..]))..])
        {
            if (BinaryPrimitives.ReadUInt16BigEndian(rest) == 10)
            {
                for (ReadOnlySpan<byte> list = rest.Slice(6, BinaryPrimitives.ReadUInt16BigEndian(rest[4..])); list.Length >= 2; list = list[2..])
                {
                    groups.Add(BinaryPrimitives.ReadUInt16BigEndian(list));
                }
            }
        }

        return groups;
    }
}
