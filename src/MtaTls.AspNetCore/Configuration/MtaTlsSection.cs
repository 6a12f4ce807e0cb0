namespace MtaTls.AspNetCore.Configuration;

/// <summary>
/// The section <c>MtaTls</c> as it is written. Every value is text here, so that binding can't stop at the first one that does not convert:
/// <see cref="ConfigureMtaTlsOptions"/> converts them and reports all that are wrong.
/// </summary>
internal sealed class MtaTlsSection
{
    public string? ExtensionType { get; set; }

    public string? KeyLogFile { get; set; }

    public EndpointDefaultsSection? EndpointDefaults { get; set; }

    public Dictionary<string, EndpointSection>? Endpoints { get; set; }

    public LimitsSection? Limits { get; set; }

    internal sealed class EndpointDefaultsSection
    {
        public string? Mode { get; set; }

        public string? Dispatch { get; set; }
    }

    internal sealed class EndpointSection
    {
        public string? Url { get; set; }

        public string? Mode { get; set; }

        public string? Protocols { get; set; }

        public string? ClientCertificateMode { get; set; }

        public string[]? SslProtocols { get; set; }

        public string? Dispatch { get; set; }

        public CertificateSection? Certificate { get; set; }
    }

    internal sealed class CertificateSection
    {
        public string? Path { get; set; }

        public string? KeyPath { get; set; }

        public string? Password { get; set; }

        public string? Subject { get; set; }

        public string? Thumbprint { get; set; }

        public string? Store { get; set; }

        public string? Location { get; set; }

        public string? AllowInvalid { get; set; }
    }

    internal sealed class LimitsSection
    {
        public string? MaxChannelsPerSession { get; set; }

        public string? MaxPendingChannels { get; set; }

        public string? InitialWindowSize { get; set; }

        public string? MaxWindowSize { get; set; }

        public string? MaxPacketLength { get; set; }

        public string? SessionReceiveBudget { get; set; }

        public string? ServerReceiveBudget { get; set; }

        public string? HandshakeTimeout { get; set; }

        public string? ChannelIdleTimeout { get; set; }

        public string? SessionIdleTimeout { get; set; }

        public string? CloseLingerTimeout { get; set; }

        public string? CloseTimeout { get; set; }

        public string? WriteStallTimeout { get; set; }

        public string? SessionSendBudget { get; set; }

        public string? MinPeerPacketLength { get; set; }

        public string? MaxOpensPerSecond { get; set; }

        public string? MaxEmptyPacketsPerSecond { get; set; }

        public string? MaxHandshakes { get; set; }

        public string? MaxSessions { get; set; }

        public string? MaxChannels { get; set; }
    }
}
