using System.Buffers;
using System.Net.Security;
using System.Security.Authentication;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>Reads the first octets of a connection, from clients of any kind.</summary>
public class ClientHelloReaderTests
{
    private const int MaxLength = 16_384;

    private static readonly byte[] s_offer = Hello.Extension(TlsTest.ExtensionType, []);

    private static readonly byte[] s_full = Hello.Message(
    [
        Hello.Extension(0x0A0A, []),
        Hello.ServerName("WWW.Example.test"),
        .. Hello.KeyExchange(),
        Hello.Alpn("h2", "http/1.1"),
        Hello.SupportedVersions(0x4A4A, 0x0304, 0x0303, 0x0302),
        s_offer,
        Hello.Extension(0x8A8A, [0]),
    ]);

    [Theory]
    [InlineData("XN--Bcher-kva.Test", "bücher.Test")]
    [InlineData("xn--0.test", "xn--0.test")]
    [InlineData("a_b.Test", "a_b.Test")]
    public void The_name_as_sent_has_its_A_labels_decoded(string sent, string seen)
        => Assert.Equal(seen, Complete(Hello.Records(Hello.Message(Hello.ServerName(sent)))).SentServerName);

    [Fact]
    public void Everything_that_is_offered_is_read()
    {
        byte[] octets = Hello.Records(s_full);
        ClientHelloInfo info = Complete(octets);
        Assert.True(info.OffersExtension);
        Assert.Equal("www.example.test", info.ServerName);
        Assert.Equal("WWW.Example.test", info.SentServerName);
        Assert.Equal([SslApplicationProtocol.Http2, SslApplicationProtocol.Http11], info.ApplicationProtocols);
        Assert.Equal(SslProtocols.Tls12 | SslProtocols.Tls13, info.Protocols);
        Assert.Equal(octets.Length, info.Length);
    }

    [Fact]
    public void A_hello_is_complete_when_its_last_record_is()
    {
        // The message ends inside a record that is longer. The reported length must not be more than what has arrived.
        byte[] octets = Hello.Records([.. s_full, 1, 2, 3]);
        for (int missing = 1; missing <= 3; missing++)
        {
            Assert.Equal(ClientHelloStatus.NeedMore, ClientHelloReader.TryRead(new(octets.AsMemory(0, octets.Length - missing)), TlsTest.ExtensionType, MaxLength, out _));
        }

        Assert.Equal(octets.Length, Complete(octets).Length);
    }

    [Fact]
    public void What_is_not_offered_is_not_there()
    {
        ClientHelloInfo info = Complete(Hello.Records(Hello.Message()));
        Assert.False(info.OffersExtension);
        Assert.Null(info.ServerName);
        Assert.Empty(info.ApplicationProtocols);
        Assert.Equal(SslProtocols.Tls12, info.Protocols);
        Assert.Equal(SslProtocols.Tls13, Complete(Hello.Records(Hello.Message(Hello.SupportedVersions(0x0304)))).Protocols);
        Assert.Equal(SslProtocols.None, Complete(Hello.Records(Hello.Message(Hello.SupportedVersions(0x0302, 0x7F1C)))).Protocols);
    }

    [Fact]
    public void Other_extension_type_is_another_extension()
    {
        ReadOnlySequence<byte> octets = new(Hello.Records(s_full));
        Assert.Equal(ClientHelloStatus.Complete, ClientHelloReader.TryRead(octets, 65280, MaxLength, out ClientHelloInfo? info));
        Assert.False(info!.OffersExtension);
    }

    /// <summary>The reader accepts a body that is not empty and a second extension of the type. The TLS engine refuses them.</summary>
    [Fact]
    public void Body_and_repetition_are_offers()
    {
        Assert.True(Complete(Hello.Records(Hello.Message(Hello.Extension(TlsTest.ExtensionType, [1, 2, 3])))).OffersExtension);
        Assert.True(Complete(Hello.Records(Hello.Message(s_offer, s_offer))).OffersExtension);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("nul\0.test")]
    [InlineData("caf\u00e9.test")]
    [InlineData("line\n.test")]
    public void Name_that_is_no_host_name_is_none(string name)
        => Assert.Null(Complete(Hello.Records(Hello.Message(Hello.ServerName(name)))).ServerName);

    [Fact]
    public void Name_of_another_type_or_too_long_is_none()
    {
        Assert.Null(Complete(Hello.Records(Hello.Message(Hello.Extension(0, Hello.Vector16([1, .. Hello.Vector16([97])]))))).ServerName);
        Assert.Null(Complete(Hello.Records(Hello.Message(Hello.ServerName(new string('a', 256))))).ServerName);
        Assert.Null(Complete(Hello.Records(Hello.Message(Hello.Extension(0, [])))).ServerName);
    }

    public static TheoryData<string, byte[]> NotTls()
    {
        byte[] message = Hello.Message(s_offer);
        return new TheoryData<string, byte[]>
        {
            { "HTTP", "GET / HTTP/1.1\r\n\r\n"u8.ToArray() },
            { "PROXY protocol", "PROXY TCP4 "u8.ToArray() },
            { "SSL 2.0", [0x80, 0x2E, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10] },
            { "one octet", [23] },
            { "SSL 2.0 in a record", [22, 2, 0, 0, 4, 1, 0, 0, 0] },
            { "an empty record", [22, 3, 1, 0, 0] },
            { "a record too long", [22, 3, 1, 0x40, 1] },
            { "a ServerHello", Hello.Records([2, .. message[1..]]) },
            { "an alert after the first fragment", [.. Hello.Records(message[..20]), 21, 3, 3, 0, 2, 2, 50] },
            { "an empty message", Hello.Records([1, 0, 0, 0]) },
            { "a message that ends in the random", Hello.Records([1, 0, 0, 20, .. message[4..24]]) },
            { "no cipher suites", Hello.Records([1, 0, 0, 39, .. message[4..38], 0, 0, 0, 1, 0]) },
            { "an odd list of cipher suites", Hello.Records([1, 0, 0, 42, .. message[4..38], 0, 0, 3, 1, 2, 3, 1, 0]) },
            { "no compression methods", Hello.Records([1, 0, 0, 40, .. message[4..38], 0, 0, 2, 0x13, 1, 0]) },
            { "a session id of 33", Hello.Records([1, 0, 0, 74, .. message[4..38], 33, .. new byte[33], 0, 2, 0x13, 1, 1, 0]) },
            { "octets after the extensions", Hello.Records([1, 0, 0, (byte)(message.Length - 4 + 1), .. message[4..], 0]) },
            { "an extension past the end", Hello.Records([.. message[..^2], 0, 1]) },
        };
    }

    [Theory]
    [MemberData(nameof(NotTls))]
    public void What_is_no_client_hello(string name, byte[] octets)
    {
        Assert.NotEmpty(name);
        Assert.Equal(ClientHelloStatus.NotTls, ClientHelloReader.TryRead(new ReadOnlySequence<byte>(octets), TlsTest.ExtensionType, MaxLength, out ClientHelloInfo? info));
        Assert.Null(info);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    [InlineData(16_384)]
    public void Fragments_of_any_length(int fragmentLength)
        => AssertSame(Complete(Hello.Records(s_full)), Complete(Hello.Records(s_full, fragmentLength)));

    /// <summary>A ClientHello that is too long is refused as soon as its length field arrives, not when all its octets have.</summary>
    [Fact]
    public void Too_long_is_seen_early()
    {
        byte[] octets = Hello.Records(s_full);
        Assert.Equal(ClientHelloStatus.Complete, Status(octets, octets.Length));
        Assert.Equal(ClientHelloStatus.TooLong, Status(octets, octets.Length - 1));
        Assert.Equal(ClientHelloStatus.TooLong, Status([22, 3, 1, 0x20, 0], 4096));
        Assert.Equal(ClientHelloStatus.TooLong, Status([22, 3, 1, 0, 4, 1, 0, 0x20, 0], 4096));
        Assert.Equal(ClientHelloStatus.TooLong, Status([22, 3, 1, 0, 4, 1, 0xFF, 0xFF, 0xFF], 16_384));

        // Records of one octet each. Their headers count too.
        Assert.Equal(ClientHelloStatus.TooLong, Status(Hello.Records(s_full, 1), s_full.Length * 5));
    }

    /// <summary>A ClientHello that is cut at any octet needs more. A complete one has the same result in any segments.</summary>
    [Fact]
    public void Cut_anywhere()
    {
        byte[] octets = Hello.Records(s_full, 50);
        ClientHelloInfo expected = Complete(octets);
        for (int cut = 0; cut < octets.Length; cut++)
        {
            Assert.Equal(ClientHelloStatus.NeedMore, Status(octets[..cut], MaxLength));
            AssertSame(expected, Complete(Segments(octets, [cut])));
        }

        AssertSame(expected, Complete(Segments(octets, [.. Enumerable.Range(0, octets.Length)])));
        AssertSame(expected, Complete(new ReadOnlySequence<byte>([.. octets, 1, 2, 3])));
    }

    [Property(MaxTest = 2000)]
    public void Random_octets_never_throw(byte[] octets, bool tls)
    {
        byte[] all = tls ? [22, 3, 1, .. octets] : octets;
        _ = Status(all, MaxLength);
        _ = Status(all, 100);
    }

    /// <summary>A ClientHello with some changed octets has the same result in one piece and in segments, and a part of it never has another one.</summary>
    [Property(MaxTest = 2000)]
    public Property Changed_hellos_never_throw()
        => Prop.ForAll(
            Gen.ListOf(Gen.Zip(Gen.Choose(0, 10_000), Gen.Choose(0, 255))).ToArbitrary(),
            Gen.Choose(1, 400).ToArbitrary(),
            Gen.Choose(0, 10_000).ToArbitrary(),
            (changes, fragmentLength, cut) =>
            {
                byte[] octets = Hello.Records(s_full, fragmentLength);
                foreach ((int at, int value) in changes.Take(4))
                {
                    octets[at % octets.Length] = (byte)value;
                }

                ClientHelloStatus whole = ClientHelloReader.TryRead(new ReadOnlySequence<byte>(octets), TlsTest.ExtensionType, MaxLength, out ClientHelloInfo? info);
                cut %= octets.Length;
                ClientHelloStatus split = ClientHelloReader.TryRead(Segments(octets, [cut]), TlsTest.ExtensionType, MaxLength, out ClientHelloInfo? other);
                Assert.Equal(whole, split);
                if (info is not null)
                {
                    AssertSame(info, other!);
                }

                // A result of a part must be the result of the whole.
                ClientHelloStatus part = Status(octets[..cut], MaxLength);
                Assert.True(part == ClientHelloStatus.NeedMore || part == whole);
            });

    /// <summary>Reads the ClientHello of a real client.</summary>
    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Hello_of_sslstream(SslProtocols version)
    {
        using var stream = new MemoryStream();
        await using var client = new SslStream(stream);
        await Record.ExceptionAsync(() => client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "client.test",
            EnabledSslProtocols = version,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
        }));
        byte[] octets = stream.ToArray();
        ClientHelloInfo info = Complete(octets);
        Assert.Equal(octets.Length, info.Length);
        Assert.Equal("client.test", info.ServerName);
        Assert.Equal(version, info.Protocols);
        Assert.Equal([SslApplicationProtocol.Http11], info.ApplicationProtocols);
        Assert.False(info.OffersExtension);
    }

    private static ClientHelloStatus Status(byte[] octets, int maxLength)
        => ClientHelloReader.TryRead(new ReadOnlySequence<byte>(octets), TlsTest.ExtensionType, maxLength, out _);

    private static ClientHelloInfo Complete(byte[] octets) => Complete(new ReadOnlySequence<byte>(octets));

    private static ClientHelloInfo Complete(ReadOnlySequence<byte> octets)
    {
        Assert.Equal(ClientHelloStatus.Complete, ClientHelloReader.TryRead(octets, TlsTest.ExtensionType, MaxLength, out ClientHelloInfo? info));
        return info!;
    }

    private static void AssertSame(ClientHelloInfo expected, ClientHelloInfo actual)
    {
        Assert.Equal(expected.OffersExtension, actual.OffersExtension);
        Assert.Equal(expected.ServerName, actual.ServerName);
        Assert.Equal(expected.ApplicationProtocols, actual.ApplicationProtocols);
        Assert.Equal(expected.Protocols, actual.Protocols);
    }

    private static ReadOnlySequence<byte> Segments(byte[] octets, int[] cuts)
    {
        var first = new Segment(default, 0);
        Segment last = first;
        int from = 0;
        foreach (int cut in (int[])[.. cuts, octets.Length])
        {
            last = last.Append(octets.AsMemory(from, cut - from));
            from = cut;
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long index)
        {
            Memory = memory;
            RunningIndex = index;
        }

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
