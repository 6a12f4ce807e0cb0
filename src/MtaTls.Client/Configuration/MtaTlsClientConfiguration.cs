using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using MtaTls.Protocol;

namespace MtaTls.Client.Configuration;

/// <summary>
/// Reads <see cref="MtaTlsClientOptions"/> from a configuration section: written out rather than bound by reflection, so that it works when the application is compiled ahead of
/// time, and so that an unknown key is an error rather than a setting that has no effect.
/// </summary>
internal static class MtaTlsClientConfiguration
{
    public static void Apply(IConfigurationSection section, MtaTlsClientOptions options)
    {
        var reader = new SectionReader(section);
        foreach (IConfigurationSection child in section.GetChildren())
        {
            switch (child.Key.ToUpperInvariant())
            {
                case "HOST": options.Host = child.Value; break;
                case "PORT": reader.Set(child, int.Parse, v => options.Port = v); break;
                case "TARGETHOST": options.TargetHost = child.Value; break;
                case "EXTENSIONTYPE": reader.Set(child, int.Parse, v => options.ExtensionType = v); break;
                case "MODE": reader.Set(child, Parse<MtaTlsClientMode>, v => options.Mode = v); break;
                case "APPLICATIONPROTOCOLS": options.ApplicationProtocols = [.. child.GetChildren().Select(c => new SslApplicationProtocol(c.Value ?? ""))]; break;
                case "ALLOWTLSRESUME": reader.Set(child, (text, _) => bool.Parse(text), v => options.AllowTlsResume = v); break;
                case "ENABLEDSSLPROTOCOLS": reader.Set(child, Protocols, v => options.EnabledSslProtocols = v); break;
                case "CLIENTCERTIFICATE": reader.Load(child, v => (options.ClientCertificate, options.ClientCertificateChain) = v); break;
                case "CERTIFICATEREVOCATIONCHECKMODE": reader.Set(child, Parse<X509RevocationMode>, v => options.CertificateRevocationCheckMode = v); break;
                case "KEYLOGFILE": options.KeyLogFile = child.Value; break;
                case "CONNECTTIMEOUT": reader.Set(child, TimeSpan.Parse, v => options.ConnectTimeout = v); break;
                case "MAXSESSIONS": reader.Set(child, int.Parse, v => options.MaxSessions = v); break;
                case "SESSIONIDLETIMEOUT": reader.Set(child, TimeSpan.Parse, v => options.SessionIdleTimeout = v); break;
                case "SHUTDOWNTIMEOUT": reader.Set(child, TimeSpan.Parse, v => options.ShutdownTimeout = v); break;
                case "MAXRETRIES": reader.Set(child, int.Parse, v => options.MaxRetries = v); break;
                case "KEEPCONNECTED": reader.Set(child, (text, _) => bool.Parse(text), v => options.KeepConnected = v); break;
                case "SOURCE": Source(reader, child, options); break;
                case "RECONNECT": Reconnect(reader, child, options.Reconnect); break;
                case "LIMITS": Limits(reader, child, options.Limits); break;
                default: reader.Unknown(child); break;
            }
        }
        reader.ThrowIfErrors();
    }

    private static void Reconnect(SectionReader reader, IConfigurationSection section, MtaTlsReconnectOptions options)
    {
        foreach (IConfigurationSection child in section.GetChildren())
        {
            switch (child.Key.ToUpperInvariant())
            {
                case "INITIALDELAY": reader.Set(child, TimeSpan.Parse, v => options.InitialDelay = v); break;
                case "MAXDELAY": reader.Set(child, TimeSpan.Parse, v => options.MaxDelay = v); break;
                case "WAITTIMEOUT": reader.Set(child, TimeSpan.Parse, v => options.WaitTimeout = v); break;
                case "JITTER": reader.Set(child, double.Parse, v => options.Jitter = v); break;
                default: reader.Unknown(child); break;
            }
        }
    }

    private static void Limits(SectionReader reader, IConfigurationSection section, MtaTlsSessionLimits limits)
    {
        foreach (IConfigurationSection child in section.GetChildren())
        {
            switch (child.Key.ToUpperInvariant())
            {
                case "MAXCHANNELSPERSESSION": reader.Set(child, int.Parse, v => limits.MaxChannelsPerSession = v); break;
                case "MAXPENDINGCHANNELS": reader.Set(child, int.Parse, v => limits.MaxPendingChannels = v); break;
                case "INITIALWINDOWSIZE": reader.Set(child, int.Parse, v => limits.InitialWindowSize = v); break;
                case "MAXWINDOWSIZE": reader.Set(child, int.Parse, v => limits.MaxWindowSize = v); break;
                case "MAXPACKETLENGTH": reader.Set(child, int.Parse, v => limits.MaxPacketLength = v); break;
                case "SESSIONRECEIVEBUDGET": reader.Set(child, long.Parse, v => limits.SessionReceiveBudget = v); break;
                case "OUTPUTBUFFERSIZE": reader.Set(child, int.Parse, v => limits.OutputBufferSize = v); break;
                case "MAXQUEUEDANSWERS": reader.Set(child, int.Parse, v => limits.MaxQueuedAnswers = v); break;
                case "REMEMBEREDCHANNELIDS": reader.Set(child, int.Parse, v => limits.RememberedChannelIds = v); break;
                case "CLOSELINGERTIMEOUT": reader.Set(child, TimeSpan.Parse, v => limits.CloseLingerTimeout = v); break;
                case "CLOSETIMEOUT": reader.Set(child, TimeSpan.Parse, v => limits.CloseTimeout = v); break;
                case "WRITESTALLTIMEOUT": reader.Set(child, TimeSpan.Parse, v => limits.WriteStallTimeout = v); break;
                case "SESSIONSENDBUDGET": reader.Set(child, long.Parse, v => limits.SessionSendBudget = v); break;
                case "MINPEERPACKETLENGTH": reader.Set(child, int.Parse, v => limits.MinPeerPacketLength = v); break;
                case "MAXOPENSPERSECOND": reader.Set(child, int.Parse, v => limits.MaxOpensPerSecond = v); break;
                case "MAXEMPTYPACKETSPERSECOND": reader.Set(child, int.Parse, v => limits.MaxEmptyPacketsPerSecond = v); break;
                case "MAXSMALLPACKETSPERSECOND": reader.Set(child, int.Parse, v => limits.MaxSmallPacketsPerSecond = v); break;
                case "MAXACKNOWLEDGMENTSPERSECOND": reader.Set(child, int.Parse, v => limits.MaxAcknowledgmentsPerSecond = v); break;
                case "CHANNELWRITESTALLTIMEOUT": reader.Set(child, TimeSpan.Parse, v => limits.ChannelWriteStallTimeout = v); break;
                default: reader.Unknown(child); break;
            }
        }
    }

    private static void Source(SectionReader reader, IConfigurationSection section, MtaTlsClientOptions options)
    {
        string host = section["Host"] ?? "";
        reader.Set(section.GetSection("Port"), int.Parse, port => options.Source = new ChannelAddress(host, port));
    }

    private static T Parse<T>(string text, IFormatProvider _)
        where T : struct, Enum => Enum.Parse<T>(text, ignoreCase: true);

    // "Tls12,Tls13", or a list as Kestrel's SslProtocols has it.
    private static SslProtocols Protocols(string text, IFormatProvider _) => Enum.Parse<SslProtocols>(text, ignoreCase: true);

    /// <summary>Collects what is wrong, to report it all at once.</summary>
    private sealed class SectionReader(IConfigurationSection root)
    {
        private readonly List<string> _errors = [];

        public void Set<T>(IConfigurationSection section, Func<string, IFormatProvider, T> parse, Action<T> set)
        {
            string? text = section.Value ?? (section.GetChildren().Any() ? string.Join(',', section.GetChildren().Select(static c => c.Value)) : null);
            try
            {
                set(parse(text ?? throw new FormatException("a value is needed"), CultureInfo.InvariantCulture));
            }
            catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
            {
                _errors.Add($"{section.Path}: '{text}': {e.Message}");
            }
        }

        /// <summary>A certificate by the schema of <c>Kestrel:Certificates</c>: Path with KeyPath and Password, or Subject with Store, Location and AllowInvalid.</summary>
        public void Load(IConfigurationSection section, Action<(X509Certificate2, X509Certificate2Collection?)> set)
        {
            try
            {
                set(section["Path"] is { } path ? FromFile(section, path) : (FromStore(section), null));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException or FormatException)
            {
                _errors.Add($"{section.Path}: {e.Message}");
            }
        }

        public void Unknown(IConfigurationSection section) => _errors.Add($"{section.Path}: there is no such setting.");

        public void ThrowIfErrors()
        {
            if (_errors.Count > 0)
            {
                throw new InvalidOperationException($"The configuration section {root.Path} has errors. {string.Join(" ", _errors)}");
            }
        }

        private static (X509Certificate2, X509Certificate2Collection?) FromFile(IConfigurationSection section, string path)
        {
            string? password = section["Password"];
            if (section["KeyPath"] is not { } keyPath && X509Certificate2.GetCertContentType(path) == X509ContentType.Pkcs12)
            {
                return (X509CertificateLoader.LoadPkcs12FromFile(path, password), null);
            }

            keyPath = section["KeyPath"] ?? path;
            X509Certificate2 certificate = password is null ? X509Certificate2.CreateFromPemFile(path, keyPath) : X509Certificate2.CreateFromEncryptedPemFile(path, password, keyPath);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(path);
            return (certificate, chain);
        }

        private static X509Certificate2 FromStore(IConfigurationSection section)
        {
            string subject = section["Subject"] ?? throw new FormatException("either Path or Subject is needed.");
            StoreLocation location = section["Location"] is { } text ? Enum.Parse<StoreLocation>(text, ignoreCase: true) : StoreLocation.CurrentUser;
            using var store = new X509Store(section["Store"] ?? "My", location);
            store.Open(OpenFlags.ReadOnly);
            bool validOnly = !string.Equals(section["AllowInvalid"], "true", StringComparison.OrdinalIgnoreCase);
            return store.Certificates.Find(X509FindType.FindBySubjectName, subject, validOnly).FirstOrDefault(static c => c.HasPrivateKey)
                ?? throw new FormatException($"the store {store.Name} has no{(validOnly ? " valid" : "")} certificate with a private key and the subject '{subject}'.");
        }
    }
}
