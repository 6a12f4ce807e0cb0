using System.Net;
using System.Security.Cryptography.X509Certificates;
using MtaTls.AspNetCore;
using MtaTls.Protocol;

namespace MtaTls.Dashboard.Tests.Support;

/// <summary>A list of any number of fake sessions, with ids and byte counts that depend on their index.</summary>
internal sealed class ManySessions(int count) : IMtaTlsSessions
{
    private readonly IMtaTlsSessionFeature[] _all = [.. Enumerable.Range(0, count).Select(static n => new Session(n))];

    public IReadOnlyList<IMtaTlsSessionFeature> List() => _all;

    public IMtaTlsSessionFeature? Find(string sessionId) => Array.Find(_all, s => s.SessionId == sessionId);

    public bool End(string sessionId) => false;

    public bool Abort(string sessionId) => false;

    public IReadOnlyList<MtaTlsChannelInfo>? ListChannels(string sessionId) => Find(sessionId) is null ? null : [];

    public bool AbortChannel(string sessionId, ChannelId channelId) => false;

    private sealed class Session(int number) : IMtaTlsSessionFeature
    {
        public string SessionId { get; } = $"id-{number}";

        public string? EndpointName => "Public";

        public EndPoint? RemoteEndPoint { get; } = new IPEndPoint(new IPAddress([192, 0, 2, (byte)(number % 250)]), 1024 + number);

        public X509Certificate2? ClientCertificate => null;

        public IReadOnlyList<X509Certificate2> ClientCertificateChain => [];

        public DateTimeOffset StartedAt { get; } = DateTimeOffset.UnixEpoch.AddSeconds(1_700_000_000 + number);

        public string? ServerName => "gateway.test";

        public bool IsResumed => number % 3 == 0;

        public bool IsDraining => number % 100 == 0;

        public int ActiveChannels => number % 7;

        public long TotalChannelsOpened => number;

        public long BytesReceived => number * 1000L;

        public long BytesSent => number * 3000L;

        public ValueTask<MtaTlsChannel> OpenChannelAsync(ChannelAddress source, ChannelAddress destination, CancellationToken cancellationToken = default) => throw new NotSupportedException();
    }
}
