namespace MtaTls.Agent;

/// <summary>A TCP service beside the app that a gateway may reach: one entry of <c>MtaTlsAgent:Forward</c>.</summary>
public sealed class MtaTlsAgentForwardOptions
{
    /// <summary>The name under which the service is registered, with a port: <c>ssh.plant7.internal:22</c>.</summary>
    /// <value>Required.</value>
    public string? Name { get; set; }

    /// <summary>The host and port to which the agent connects for each channel: <c>127.0.0.1:22</c>.</summary>
    /// <value>Required.</value>
    public string? Upstream { get; set; }
}
