// For a trial: the editor and the pages of the flow on the loopback address alone. They have no password.
module.exports = {
    uiHost: '127.0.0.1',
    uiPort: process.env.PORT || 1880,
    telemetry: { enabled: false, updateNotification: false }
};
