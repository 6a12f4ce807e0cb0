using System.Globalization;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Configuration;

/// <summary>Fills <see cref="MtaTlsOptions"/> from the section <c>MtaTls</c>, remembering every value that can't be taken.</summary>
internal sealed class ConfigureMtaTlsOptions(IConfiguration configuration) : IConfigureOptions<MtaTlsOptions>
{
    public const string SectionName = "MtaTls";

    // Read by others from the same section: by ConfigureRouting, and by MtaTls.ReverseProxy where it is used.
    private static readonly string[] s_others = [nameof(MtaTlsOptions.Channels), nameof(MtaTlsOptions.Tcp), nameof(MtaTlsOptions.AllowHostMismatch), "Destinations", "TrustedPeers"];

    public void Configure(MtaTlsOptions options)
    {
        SectionReader section = new(configuration.GetSection(SectionName), options.ConfigurationErrors);
        section.Value<ushort>(nameof(MtaTlsOptions.ExtensionType), value => options.ExtensionType = value);
        options.KeyLogFile = section.Text(nameof(MtaTlsOptions.KeyLogFile)) ?? options.KeyLogFile;
        if (section.Section(nameof(MtaTlsOptions.EndpointDefaults)) is { } defaults)
        {
            defaults.Enum<DataMultiplexingMode>(nameof(MtaTlsEndpointDefaults.Mode), value => options.EndpointDefaults.Mode = value);
            defaults.Enum<MtaTlsDispatch>(nameof(MtaTlsEndpointDefaults.Dispatch), value => options.EndpointDefaults.Dispatch = value);
            defaults.RejectUnknownKeys();
        }

        foreach ((string name, SectionReader endpoint) in section.Entries(nameof(MtaTlsOptions.Endpoints)))
        {
            options.Endpoints[name] = ReadEndpoint(endpoint, options.ConfigurationErrors);
        }

        if (section.Section(nameof(MtaTlsOptions.Limits)) is { } limits)
        {
            ReadLimits(limits, options.Limits);
        }

        section.RejectUnknownKeys(s_others);
    }

    /// <summary>Reads a certificate of the schema that <c>MtaTls:Endpoints</c> and <c>Kestrel:Certificates</c> share.</summary>
    public static void ReadCertificate(SectionReader section, MtaTlsCertificateOptions certificate)
    {
        certificate.Path = section.Text(nameof(MtaTlsCertificateOptions.Path));
        certificate.KeyPath = section.Text(nameof(MtaTlsCertificateOptions.KeyPath));
        certificate.Password = section.Text(nameof(MtaTlsCertificateOptions.Password));
        certificate.Subject = section.Text(nameof(MtaTlsCertificateOptions.Subject));
        certificate.Thumbprint = section.Text(nameof(MtaTlsCertificateOptions.Thumbprint));
        certificate.Store = section.Text(nameof(MtaTlsCertificateOptions.Store));
        section.Enum<StoreLocation>(nameof(MtaTlsCertificateOptions.Location), value => certificate.Location = value);
        section.Bool(nameof(MtaTlsCertificateOptions.AllowInvalid), value => certificate.AllowInvalid = value);
    }

    private static MtaTlsEndpointOptions ReadEndpoint(SectionReader section, ConfigurationErrors errors)
    {
        MtaTlsEndpointOptions endpoint = new() { Url = section.Text(nameof(MtaTlsEndpointOptions.Url)) };
        section.Enum<DataMultiplexingMode>(nameof(MtaTlsEndpointOptions.Mode), value => endpoint.Mode = value);
        section.Enum<HttpProtocols>(nameof(MtaTlsEndpointOptions.Protocols), value => endpoint.Protocols = value);
        section.Enum<ClientCertificateMode>(nameof(MtaTlsEndpointOptions.ClientCertificateMode), value => endpoint.ClientCertificateMode = value);
        section.Enum<MtaTlsDispatch>(nameof(MtaTlsEndpointOptions.Dispatch), value => endpoint.Dispatch = value);
        List<string> protocols = [];
        section.List(nameof(MtaTlsEndpointOptions.SslProtocols), protocols);
        for (int i = 0; i < protocols.Count; i++)
        {
            SetEnum<SslProtocols>(
                errors, $"{section.Key}:{nameof(MtaTlsEndpointOptions.SslProtocols)}:{i}", protocols[i], value => endpoint.SslProtocols = (endpoint.SslProtocols ?? SslProtocols.None) | value);
        }

        if (section.Section(nameof(MtaTlsEndpointOptions.Certificate)) is { } certificate)
        {
            ReadCertificate(certificate, endpoint.Certificate);
            certificate.RejectUnknownKeys();
        }

        section.RejectUnknownKeys();
        return endpoint;
    }

    private static void ReadLimits(SectionReader section, MtaTlsLimits limits)
    {
        section.Value<int>(nameof(MtaTlsLimits.MaxChannelsPerSession), value => limits.MaxChannelsPerSession = value);
        section.Value<int>(nameof(MtaTlsLimits.MaxPendingChannels), value => limits.MaxPendingChannels = value);
        section.Value<int>(nameof(MtaTlsLimits.InitialWindowSize), value => limits.InitialWindowSize = value);
        section.Value<int>(nameof(MtaTlsLimits.MaxWindowSize), value => limits.MaxWindowSize = value);
        section.Value<int>(nameof(MtaTlsLimits.MaxPacketLength), value => limits.MaxPacketLength = value);
        section.Value<long>(nameof(MtaTlsLimits.SessionReceiveBudget), value => limits.SessionReceiveBudget = value);
        section.Value<long>(nameof(MtaTlsLimits.ServerReceiveBudget), value => limits.ServerReceiveBudget = value);
        section.Value<long>(nameof(MtaTlsLimits.AddressReceiveBudget), value => limits.AddressReceiveBudget = value);
        section.Value<TimeSpan>(nameof(MtaTlsLimits.HandshakeTimeout), value => limits.HandshakeTimeout = value);
        section.Value<TimeSpan>(nameof(MtaTlsLimits.ChannelIdleTimeout), value => limits.ChannelIdleTimeout = value);
        section.Value<TimeSpan>(nameof(MtaTlsLimits.SessionIdleTimeout), value => limits.SessionIdleTimeout = value);
        section.Value<TimeSpan>(nameof(MtaTlsLimits.CloseLingerTimeout), value => limits.CloseLingerTimeout = value);
        section.Value<TimeSpan>(nameof(MtaTlsLimits.CloseTimeout), value => limits.CloseTimeout = value);
        section.Value<TimeSpan>(nameof(MtaTlsLimits.WriteStallTimeout), value => limits.WriteStallTimeout = value);
        section.Value<TimeSpan>(nameof(MtaTlsLimits.ChannelWriteStallTimeout), value => limits.ChannelWriteStallTimeout = value);
        section.Value<long>(nameof(MtaTlsLimits.SessionSendBudget), value => limits.SessionSendBudget = value);
        section.Value<int>(nameof(MtaTlsLimits.MinPeerPacketLength), value => limits.MinPeerPacketLength = value);
        section.Value<int>(nameof(MtaTlsLimits.MaxOpensPerSecond), value => limits.MaxOpensPerSecond = value);
        section.Value<int>(nameof(MtaTlsLimits.MaxEmptyPacketsPerSecond), value => limits.MaxEmptyPacketsPerSecond = value);
        section.Value<int>(nameof(MtaTlsLimits.MaxSmallPacketsPerSecond), value => limits.MaxSmallPacketsPerSecond = value);
        section.Value<int>(nameof(MtaTlsLimits.MaxAcknowledgmentsPerSecond), value => limits.MaxAcknowledgmentsPerSecond = value);
        section.Value<int>(nameof(MtaTlsLimits.MaxClientHelloLength), value => limits.MaxClientHelloLength = value);
        section.Value<int>(nameof(MtaTlsLimits.MaxHandshakes), value => limits.MaxHandshakes = value);
        section.Value<int>(nameof(MtaTlsLimits.MaxSessions), value => limits.MaxSessions = value);
        section.Value<int>(nameof(MtaTlsLimits.MaxSessionsPerAddress), value => limits.MaxSessionsPerAddress = value);
        section.Value<int>(nameof(MtaTlsLimits.MaxChannels), value => limits.MaxChannels = value);
        section.RejectUnknownKeys();
    }

    /// <summary>Converts a value and sets it, or remembers what is wrong with it. Nothing is set where there is no text.</summary>
    public static void Set<T>(ConfigurationErrors errors, string key, string? text, Action<T> set)
        where T : ISpanParsable<T>
    {
        if (string.IsNullOrEmpty(text))
        {
            return;
        }

        if (!T.TryParse(text, CultureInfo.InvariantCulture, out T? value))
        {
            errors.Add(key, $"'{text}' is not {(typeof(T) == typeof(TimeSpan) ? "a time span such as 00:00:10" : "a whole number that fits")}.");
            return;
        }

        try
        {
            set(value);
        }
        catch (ArgumentOutOfRangeException e)
        {
            // The setter knows the range; its first line says it.
            errors.Add(key, $"'{text}': {e.Message.Split(" (Parameter", 2)[0]}");
        }
    }

    /// <summary>As <see cref="Set"/>, for a name of an enumeration.</summary>
    public static void SetEnum<T>(ConfigurationErrors errors, string key, string? text, Action<T> set)
        where T : struct, Enum
    {
        if (string.IsNullOrEmpty(text))
        {
            return;
        }

        // Numbers are no names: Enum.TryParse would take any.
        if (!char.IsAsciiDigit(text.TrimStart()[0]) && text.TrimStart()[0] is not ('-' or '+') && Enum.TryParse(text, ignoreCase: true, out T value))
        {
            set(value);
        }
        else
        {
            errors.Add(key, $"'{text}' is none of {string.Join(", ", Enum.GetNames<T>())}.");
        }
    }
}
