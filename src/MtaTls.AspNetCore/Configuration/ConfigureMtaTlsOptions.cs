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

    public void Configure(MtaTlsOptions options)
    {
        MtaTlsSection section = new();
        configuration.GetSection(SectionName).Bind(section);
        ConfigurationErrors errors = options.ConfigurationErrors;

        Set<ushort>(errors, $"{SectionName}:ExtensionType", section.ExtensionType, value => options.ExtensionType = value);
        options.KeyLogFile = string.IsNullOrEmpty(section.KeyLogFile) ? null : section.KeyLogFile;
        if (section.EndpointDefaults is { } defaults)
        {
            SetEnum<DataMultiplexingMode>(errors, $"{SectionName}:EndpointDefaults:Mode", defaults.Mode, value => options.EndpointDefaults.Mode = value);
            SetEnum<MtaTlsDispatch>(errors, $"{SectionName}:EndpointDefaults:Dispatch", defaults.Dispatch, value => options.EndpointDefaults.Dispatch = value);
        }

        foreach ((string name, MtaTlsSection.EndpointSection? endpoint) in section.Endpoints ?? [])
        {
            options.Endpoints[name] = ReadEndpoint(errors, $"{SectionName}:Endpoints:{name}", endpoint ?? new MtaTlsSection.EndpointSection());
        }

        if (section.Limits is { } limits)
        {
            ReadLimits(errors, $"{SectionName}:Limits", limits, options.Limits);
        }
    }

    /// <summary>Reads a certificate of the schema that <c>MtaTls:Endpoints</c> and <c>Kestrel:Certificates</c> share.</summary>
    public static void ReadCertificate(ConfigurationErrors errors, string key, MtaTlsSection.CertificateSection section, MtaTlsCertificateOptions certificate)
    {
        certificate.Path = section.Path;
        certificate.KeyPath = section.KeyPath;
        certificate.Password = section.Password;
        certificate.Subject = section.Subject;
        certificate.Thumbprint = section.Thumbprint;
        certificate.Store = section.Store;
        SetEnum<StoreLocation>(errors, $"{key}:Location", section.Location, value => certificate.Location = value);
        if (!string.IsNullOrEmpty(section.AllowInvalid))
        {
            if (bool.TryParse(section.AllowInvalid, out bool allow))
            {
                certificate.AllowInvalid = allow;
            }
            else
            {
                errors.Add($"{key}:AllowInvalid", $"'{section.AllowInvalid}' is neither true nor false.");
            }
        }
    }

    private static MtaTlsEndpointOptions ReadEndpoint(ConfigurationErrors errors, string key, MtaTlsSection.EndpointSection section)
    {
        MtaTlsEndpointOptions endpoint = new() { Url = section.Url };
        SetEnum<DataMultiplexingMode>(errors, $"{key}:Mode", section.Mode, value => endpoint.Mode = value);
        SetEnum<HttpProtocols>(errors, $"{key}:Protocols", section.Protocols, value => endpoint.Protocols = value);
        SetEnum<ClientCertificateMode>(errors, $"{key}:ClientCertificateMode", section.ClientCertificateMode, value => endpoint.ClientCertificateMode = value);
        SetEnum<MtaTlsDispatch>(errors, $"{key}:Dispatch", section.Dispatch, value => endpoint.Dispatch = value);
        for (int i = 0; i < (section.SslProtocols?.Length ?? 0); i++)
        {
            SetEnum<SslProtocols>(errors, $"{key}:SslProtocols:{i}", section.SslProtocols![i], value => endpoint.SslProtocols = (endpoint.SslProtocols ?? SslProtocols.None) | value);
        }

        if (section.Certificate is { } certificate)
        {
            ReadCertificate(errors, $"{key}:Certificate", certificate, endpoint.Certificate);
        }

        return endpoint;
    }

    private static void ReadLimits(ConfigurationErrors errors, string key, MtaTlsSection.LimitsSection section, MtaTlsLimits limits)
    {
        Set<int>(errors, $"{key}:MaxChannelsPerSession", section.MaxChannelsPerSession, value => limits.MaxChannelsPerSession = value);
        Set<int>(errors, $"{key}:MaxPendingChannels", section.MaxPendingChannels, value => limits.MaxPendingChannels = value);
        Set<int>(errors, $"{key}:InitialWindowSize", section.InitialWindowSize, value => limits.InitialWindowSize = value);
        Set<int>(errors, $"{key}:MaxWindowSize", section.MaxWindowSize, value => limits.MaxWindowSize = value);
        Set<int>(errors, $"{key}:MaxPacketLength", section.MaxPacketLength, value => limits.MaxPacketLength = value);
        Set<long>(errors, $"{key}:SessionReceiveBudget", section.SessionReceiveBudget, value => limits.SessionReceiveBudget = value);
        Set<long>(errors, $"{key}:ServerReceiveBudget", section.ServerReceiveBudget, value => limits.ServerReceiveBudget = value);
        Set<TimeSpan>(errors, $"{key}:HandshakeTimeout", section.HandshakeTimeout, value => limits.HandshakeTimeout = value);
        Set<TimeSpan>(errors, $"{key}:ChannelIdleTimeout", section.ChannelIdleTimeout, value => limits.ChannelIdleTimeout = value);
        Set<TimeSpan>(errors, $"{key}:SessionIdleTimeout", section.SessionIdleTimeout, value => limits.SessionIdleTimeout = value);
        Set<TimeSpan>(errors, $"{key}:CloseLingerTimeout", section.CloseLingerTimeout, value => limits.CloseLingerTimeout = value);
        Set<TimeSpan>(errors, $"{key}:CloseTimeout", section.CloseTimeout, value => limits.CloseTimeout = value);
        Set<TimeSpan>(errors, $"{key}:WriteStallTimeout", section.WriteStallTimeout, value => limits.WriteStallTimeout = value);
        Set<long>(errors, $"{key}:SessionSendBudget", section.SessionSendBudget, value => limits.SessionSendBudget = value);
        Set<int>(errors, $"{key}:MinPeerPacketLength", section.MinPeerPacketLength, value => limits.MinPeerPacketLength = value);
        Set<int>(errors, $"{key}:MaxOpensPerSecond", section.MaxOpensPerSecond, value => limits.MaxOpensPerSecond = value);
        Set<int>(errors, $"{key}:MaxEmptyPacketsPerSecond", section.MaxEmptyPacketsPerSecond, value => limits.MaxEmptyPacketsPerSecond = value);
        Set<int>(errors, $"{key}:MaxHandshakes", section.MaxHandshakes, value => limits.MaxHandshakes = value);
        Set<int>(errors, $"{key}:MaxSessions", section.MaxSessions, value => limits.MaxSessions = value);
        Set<int>(errors, $"{key}:MaxChannels", section.MaxChannels, value => limits.MaxChannels = value);
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
