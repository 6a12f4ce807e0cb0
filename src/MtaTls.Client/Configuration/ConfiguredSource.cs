namespace MtaTls.Client.Configuration;

/// <summary><see cref="MtaTlsClientOptions.Source"/> in the configuration.</summary>
internal sealed class ConfiguredSource
{
    public string Host { get; set; } = "";

    public int Port { get; set; }
}
