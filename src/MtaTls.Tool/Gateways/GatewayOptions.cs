using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net.Security;
using Microsoft.Extensions.Logging;
using MtaTls.Agent;
using MtaTls.Client;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Gateways;

/// <summary>The options of all commands that connect to a gateway. They have the names that curl and ssh use.</summary>
internal sealed class GatewayOptions
{
    private readonly Option<bool> _insecure = new("--insecure", "-k") { Description = "Accept any certificate. For tests only." };
    private readonly Option<FileInfo> _authority = new("--cacert") { Description = "A PEM file with the authorities to trust, instead of the machine's." };
    private readonly Option<FileInfo> _certificate = new("--cert") { Description = "The client certificate: PEM or PKCS#12." };
    private readonly Option<FileInfo> _key = new("--key") { Description = "The client certificate's private key, as PEM." };
    private readonly Option<string> _fingerprint = new("--fingerprint") { Description = "Accept only the certificate with this SHA-256 fingerprint, in hexadecimal." };
    private readonly Option<string> _serverName = new("--sni") { Description = "The server name to send (SNI) and to expect in the certificate. Default: the host." };
    private readonly Option<Uri> _proxy = new("--proxy") { Description = "Reach the gateway through http://[user:password@]host:port or socks5://host:port." };
    private readonly Option<TimeSpan> _connectTimeout = new("--connect-timeout") { Description = "How long connecting may take. Default: 15s." };
    private readonly Option<TimeSpan> _keepAlive = new("--keepalive") { Description = "How often the client pings the gateway while nothing arrives. Default: 15s. Not for published servers, which the gateway pings." };
    private readonly Option<TimeSpan> _maxRetryInterval = new("--max-retry-interval") { Description = "The longest pause between two attempts to connect again. Default: 30s." };
    private readonly Option<int> _extensionType = new("--extension-type") { Description = "The code point of data_multiplexing. Default: 65389 (0xFF6D)." };

    public GatewayOptions()
    {
        _fingerprint.CustomParser = ParseFingerprint;
        _extensionType.CustomParser = ParseExtensionType;
        _proxy.CustomParser = ParseProxy;
        foreach (Option<TimeSpan> option in new[] { _connectTimeout, _keepAlive, _maxRetryInterval })
        {
            option.CustomParser = ParseDuration;
            EnvironmentDefaults.Apply(option, static text => Duration.TryParse(text, out TimeSpan value) ? value : throw new FormatException("it is not a duration of up to a day, such as 30s"));
        }

        foreach (Option<FileInfo> option in new[] { _authority, _certificate, _key })
        {
            option.AcceptExistingOnly();
        }

        foreach (Option option in All)
        {
            option.HelpName ??= option.ValueType == typeof(FileInfo) ? "file" : option.ValueType == typeof(TimeSpan) ? "duration" : null;
        }

        EnvironmentDefaults.Apply(_insecure, static text => text is "1" or "true");
        EnvironmentDefaults.Apply(_authority, static text => new FileInfo(text));
        EnvironmentDefaults.Apply(_certificate, static text => new FileInfo(text));
        EnvironmentDefaults.Apply(_key, static text => new FileInfo(text));
        EnvironmentDefaults.Apply(_fingerprint, static text => Fingerprint(text) ?? throw new FormatException("it is not a SHA-256 fingerprint"));
        EnvironmentDefaults.Apply(_serverName, static text => text);
        EnvironmentDefaults.Apply(_proxy, static text => ProxyAddress(text) ?? throw new FormatException("it is not http://host:port or socks5://host:port"));
        EnvironmentDefaults.Apply(_extensionType, static text => ExtensionType(text) ?? throw new FormatException("it is not an extension type from 1 to 65535"));
    }

    private IEnumerable<Option> All =>
        [_insecure, _authority, _certificate, _key, _fingerprint, _serverName, _proxy, _connectTimeout, _keepAlive, _maxRetryInterval, _extensionType];

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in All)
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            // A command's validators do not see the defaults of options, which come from the environment.
            if (result.GetResult(_key) is { Tokens.Count: > 0 } && result.GetResult(_certificate) is not { Tokens.Count: > 0 } && _certificate.DefaultValueFactory is null)
            {
                result.AddError("--key needs --cert.");
            }
        });
    }

    /// <summary>An argument that names a gateway.</summary>
    public static Argument<HostAndPort> Gateway(string name = "gateway") => HostArgument(name, "The gateway: host:port. Default port: 443.", 443);

    /// <summary>An argument that names a host and port.</summary>
    public static Argument<HostAndPort> HostArgument(string name, string description, int? defaultPort) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            if (HostAndPort.TryParse(result.Tokens[0].Value, defaultPort, out HostAndPort value))
            {
                return value;
            }

            result.AddError($"'{result.Tokens[0].Value}' is not a host{(defaultPort is null ? " with a port" : "")}. Write host:port, or [IPv6 address]:port.");
            return default;
        },
    };

    /// <summary>The options of a client for the gateway.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="gateway">The gateway.</param>
    /// <param name="trust">Validates the gateway's certificate.</param>
    /// <param name="logs">The client's loggers.</param>
    public MtaTlsClientOptions Create(ParseResult parsed, HostAndPort gateway, GatewayTrust trust, ILoggerFactory logs)
    {
        var options = new MtaTlsClientOptions
        {
            Host = gateway.Host,
            Port = gateway.Port,
            TargetHost = parsed.GetValue(_serverName),
            AuthorityPath = parsed.GetValue(_authority)?.FullName,
            RemoteCertificateValidationCallback = trust.Validate,
            Mode = MtaTlsClientMode.Required,
            LoggerFactory = logs,
        };
        options.ClientCertificate.Path = parsed.GetValue(_certificate)?.FullName;
        options.ClientCertificate.KeyPath = parsed.GetValue(_key)?.FullName;
        if (parsed.GetValue(_extensionType) is var type and not 0)
        {
            options.ExtensionType = (ushort)type;
        }

        if (parsed.GetValue(_connectTimeout) is { Ticks: > 0 } connect)
        {
            options.ConnectTimeout = connect;
        }

        if (parsed.GetValue(_keepAlive) is { Ticks: > 0 } interval)
        {
            options.KeepAlive.Interval = interval;
        }

        Apply(parsed, options.Reconnect);
        if (parsed.GetValue(_proxy) is { } proxy)
        {
            options.ConnectCallback = new ProxyConnector(proxy).ConnectAsync;
        }

        return options;
    }

    /// <summary>Sets an agent's options for reaching the gateway.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="gateway">The gateway.</param>
    /// <param name="trust">Validates the gateway's certificate.</param>
    /// <param name="options">The agent's options.</param>
    public void Apply(ParseResult parsed, HostAndPort gateway, GatewayTrust trust, MtaTlsAgentOptions options)
    {
        options.Gateways.Add($"https://{gateway}");
        options.TargetHost = parsed.GetValue(_serverName);
        options.AuthorityPath = parsed.GetValue(_authority)?.FullName;
        options.RemoteCertificateValidationCallback = trust.Validate;
        options.ClientCertificate.Path = parsed.GetValue(_certificate)?.FullName;
        options.ClientCertificate.KeyPath = parsed.GetValue(_key)?.FullName;
        if (parsed.GetValue(_extensionType) is var type and not 0)
        {
            options.ExtensionType = (ushort)type;
        }

        if (parsed.GetValue(_connectTimeout) is { Ticks: > 0 } connect)
        {
            options.ConnectTimeout = connect;
        }

        Apply(parsed, options.Reconnect);
        if (parsed.GetValue(_proxy) is { } proxy)
        {
            options.ConnectCallback = new ProxyConnector(proxy).ConnectAsync;
        }
    }

    /// <summary>Creates the validation of the gateway's certificate from the command line.</summary>
    public GatewayTrust CreateTrust(ParseResult parsed) => new(parsed.GetValue(_insecure), parsed.GetValue(_fingerprint));

    private void Apply(ParseResult parsed, MtaTlsReconnectOptions reconnect)
    {
        if (parsed.GetValue(_maxRetryInterval) is { Ticks: > 0 } delay)
        {
            reconnect.MaxDelay = delay;
            reconnect.InitialDelay = delay < reconnect.InitialDelay ? delay : reconnect.InitialDelay;
        }
    }

    private static TimeSpan ParseDuration(ArgumentResult result)
    {
        if (Duration.TryParse(result.Tokens[0].Value, out TimeSpan value))
        {
            return value;
        }

        result.AddError($"'{result.Tokens[0].Value}' is not a duration of up to a day. Write 30s, 500ms or 5m.");
        return default;
    }

    private static string? ParseFingerprint(ArgumentResult result)
    {
        string? value = Fingerprint(result.Tokens[0].Value);
        if (value is null)
        {
            result.AddError($"'{result.Tokens[0].Value}' is not a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons.");
        }

        return value;
    }

    private static string? Fingerprint(string text)
    {
        string hex = text.Replace("sha256:", "", StringComparison.OrdinalIgnoreCase).Replace(":", "", StringComparison.Ordinal).ToLowerInvariant();
        return hex.Length == 64 && hex.All(char.IsAsciiHexDigit) ? hex : null;
    }

    private static Uri? ParseProxy(ArgumentResult result)
    {
        Uri? value = ProxyAddress(result.Tokens[0].Value);
        if (value is null)
        {
            result.AddError($"'{result.Tokens[0].Value}' is not a proxy. Write http://host:port or socks5://host:port.");
        }

        return value;
    }

    private static Uri? ProxyAddress(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "socks5" or "socks5h" && uri.Host.Length > 0 && uri.Port > 0 ? uri : null;

    private static int ParseExtensionType(ArgumentResult result)
    {
        int? value = ExtensionType(result.Tokens[0].Value);
        if (value is null)
        {
            result.AddError($"'{result.Tokens[0].Value}' is not an extension type from 1 to 65535.");
        }

        return value ?? 0;
    }

    private static int? ExtensionType(string text)
    {
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return ushort.TryParse(isHex ? text.AsSpan(2) : text, isHex ? NumberStyles.HexNumber : NumberStyles.None, CultureInfo.InvariantCulture, out ushort type) && type != 0 ? type : null;
    }
}
