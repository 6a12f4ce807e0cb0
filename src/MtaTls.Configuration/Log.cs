using Microsoft.Extensions.Logging;

namespace MtaTls.Configuration;

/// <summary>The log messages about configuration and certificates, for all packages. Each package logs them in its own category. Event ids: 900 to 919.</summary>
internal static partial class Log
{
    [LoggerMessage(900, LogLevel.Information, "The certificate of {Key} has changed. The next handshakes use {Thumbprint}, valid until {NotAfter:u}.", EventName = "CertificateReloaded")]
    public static partial void CertificateReloaded(this ILogger logger, string key, string thumbprint, DateTime notAfter);

    [LoggerMessage(901, LogLevel.Warning, "A changed certificate cannot be used, so the previous one stays in use. {Key}: {Reason}", EventName = "CertificateNotReloaded")]
    public static partial void CertificateNotReloaded(this ILogger logger, string key, string reason);

    [LoggerMessage(902, LogLevel.Information, "The authorities of {Key} have changed. The next handshakes use the file's {Count} certificates.", EventName = "AuthoritiesReloaded")]
    public static partial void AuthoritiesReloaded(this ILogger logger, string key, int count);

    [LoggerMessage(903, LogLevel.Information, "{Options} were read again because the configuration has changed.", EventName = "OptionsReloaded")]
    public static partial void OptionsReloaded(this ILogger logger, string options);

    [LoggerMessage(904, LogLevel.Error, "The changed configuration is invalid, so {Options} keep their previous values. {Reason}", EventName = "OptionsNotReloaded")]
    public static partial void OptionsNotReloaded(this ILogger logger, string options, string reason);

    [LoggerMessage(905, LogLevel.Critical, "The configuration is invalid, so the application does not start.{NewLine}{Errors}", EventName = "ConfigurationInvalid")]
    public static partial void ConfigurationInvalid(this ILogger logger, string newLine, string errors);
}
